"""How campaigns meet orders. `entering`: read, price, claim. `holdings`: confirm, release, give back.

`showing`: what an order's page tells. They are apart because paying, closing and refunding load neither the catalogue
nor the pricing engine.
"""
