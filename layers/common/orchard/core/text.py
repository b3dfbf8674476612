"""Text as shoppers write it: normal forms, masking, and lengths in characters."""

import unicodedata

# Control and invisible direction characters: never wanted in a name, and able to disguise one.
_FORBIDDEN_CATEGORIES = {"Cc", "Cs"}
_DIRECTION_OVERRIDES = {chr(c) for c in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))}
_ISOLATES = {chr(c) for c in range(0x2066, 0x206A)}


def fold(text: str) -> str:
    """The form in which text is compared: full width to half width, compatibility forms, lower case, one space."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def has_control_characters(text: str) -> bool:
    """Whether the text holds control characters other than a line feed."""
    # Printable text holds none of either category; only the rest is looked at character by character.
    return not text.isprintable() and any(c != "\n" and unicodedata.category(c) in _FORBIDDEN_CATEGORIES for c in text)


def isolate(text: str) -> str:
    """Wrap text that carries direction overrides in Unicode isolates, so that it cannot reorder its neighbours."""
    if not any(c in _DIRECTION_OVERRIDES for c in text):
        return text
    # An isolate's end inside the text would end ours early, and a beginning would swallow it.
    return f"\u2068{''.join(c for c in text if c not in _ISOLATES)}\u2069"


def mask_phone(phone: str) -> str:
    """Keep the first three and last four digits of a phone number."""
    return f"{phone[:3]}****{phone[-4:]}" if len(phone) >= 7 else "****"


def mask_name(name: str) -> str:
    """Keep the first character of a name."""
    return f"{name[:1]}**" if name else ""
