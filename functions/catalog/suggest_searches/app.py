"""GET /products/suggestions: searches that begin with what was typed."""

from typing import Annotated

from orchard.catalog.schemas import SearchText, SuggestionCount, Suggestions
from orchard.catalog.service import searching
from orchard.runtime.api import Api, Query, Transaction

api = Api()


@api.get("/products/suggestions")
def suggest_searches(
    tx: Transaction,
    q: Annotated[SearchText, Query()],
    limit: Annotated[SuggestionCount, Query()] = 10,
) -> Suggestions:
    return searching.suggest_searches(tx, q, limit)


handler = api.handler
