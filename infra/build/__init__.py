"""Tools that turn the checkout into what is deployed: layers, template checks, pinned requirements."""
