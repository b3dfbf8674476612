"""Pure building blocks: money, time, ids, errors, paging, text. Imports nothing else of ours."""
