"""How campaigns meet orders. `entering`: read, price, claim. `holdings`: confirm, release, give back.

The two are apart because paying, closing and refunding load neither the catalogue nor the pricing engine.
"""
