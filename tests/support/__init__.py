"""What tests share: a private database, the functions called as Lambda calls them, shoppers, races."""
