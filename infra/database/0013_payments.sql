-- Surplus money is told apart by its own refund, since an order may get surplus twice: open matters take that name.

UPDATE payment_exception SET subject = JSON_UNQUOTE(JSON_EXTRACT(detail, '$.out_refund_no'))
WHERE kind = 'SURPLUS' AND JSON_EXTRACT(detail, '$.out_refund_no') IS NOT NULL;
