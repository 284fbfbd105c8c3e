SELECT substr(last_purchase, 1, 7) AS month, count(*) AS buyers
FROM customers
GROUP BY 1
ORDER BY 1
