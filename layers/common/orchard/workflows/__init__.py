"""What spans capabilities. Each workflow brackets its calls: intent committed, call, outcome committed."""
