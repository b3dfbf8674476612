"""All SQL of payments: payments and calls, receipts and postings, refunds."""
