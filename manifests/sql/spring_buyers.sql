-- Everybody who bought between March and May.
SELECT email
FROM customers
WHERE last_purchase BETWEEN '2026-03-01' AND '2026-05-31'
