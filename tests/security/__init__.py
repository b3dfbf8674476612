"""What strangers may try: every operation of the API document, without a hand-written list of them."""
