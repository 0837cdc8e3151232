-- SPDX-License-Identifier: Apache-2.0
-- The benchmark's history: a sysbench-like table and a wide one, loaded in bulk and row by row, then updated and
-- deleted in large and in single-row transactions. About 1.5 million row changes in 400,000 transactions.
SET SESSION sql_log_bin = 0;
CREATE DATABASE bench CHARACTER SET utf8mb4;
USE bench;
CREATE TABLE numbers (n INT PRIMARY KEY);
INSERT INTO numbers
  WITH RECURSIVE digit (d) AS (SELECT 0 UNION ALL SELECT d + 1 FROM digit WHERE d < 9)
  SELECT 1 + a.d + 10 * b.d + 100 * c.d + 1000 * e.d + 10000 * f.d + 100000 * g.d
  FROM digit a, digit b, digit c, digit e, digit f, digit g WHERE g.d < 5;
SET SESSION sql_log_bin = 1;

CREATE TABLE narrow (id INT PRIMARY KEY AUTO_INCREMENT, k INT NOT NULL, c CHAR(120) NOT NULL, pad CHAR(60) NOT NULL);
CREATE TABLE wide (
  id BIGINT UNSIGNED PRIMARY KEY, number VARCHAR(32) NOT NULL, customer BIGINT NOT NULL,
  state ENUM('new','paid','packed','shipped','done','cancelled') NOT NULL, total DECIMAL(12,2) NOT NULL, tax DECIMAL(12,2),
  currency CHAR(3), paid TINYINT(1) NOT NULL, pieces INT UNSIGNED, region SMALLINT, weight DOUBLE, discount FLOAT,
  created DATETIME(6) NOT NULL, changed TIMESTAMP NOT NULL, ship_date DATE, ship_time TIME,
  flags SET('gift','fragile','express','cold'), email VARCHAR(255), address VARBINARY(16), attributes JSON, note TEXT);

DELIMITER //
CREATE PROCEDURE fill_narrow(low INT, high INT, step INT)
BEGIN
  WHILE low < high DO
    INSERT INTO narrow SELECT n, n * 7919 % 500000,
        CONCAT(SHA2(n, 224), '-', LEFT(SHA2(n + 1, 256), 62)), LEFT(SHA2(n + 2, 256), 59)
      FROM numbers WHERE n > low AND n <= low + step;
    SET low = low + step;
  END WHILE;
END//
CREATE PROCEDURE fill_wide(low INT, high INT, step INT)
BEGIN
  WHILE low < high DO
    INSERT INTO wide SELECT n, CONCAT('A-2026-', LPAD(n, 9, '0')), n * 104729 % 1000003, 1 + n % 6, (n * 7919 % 99999999) / 100,
        IF(n % 9 = 0, NULL, (n * 31 % 999999) / 100), ELT(1 + n % 4, 'USD', 'EUR', 'CNY', 'JPY'), n % 2, n % 100, n % 300 - 150, n / 7.0,
        n % 20 / 20, '2026-01-01' + INTERVAL n * 123457 MICROSECOND, '2026-01-02 03:04:05' + INTERVAL n SECOND,
        '2026-02-01' + INTERVAL n % 365 DAY, SEC_TO_TIME(n % 86400), n % 16, CONCAT('user', n % 1000003, '@example', n % 50, '.com'),
        UNHEX(LEFT(SHA2(n, 224), 8)),
        JSON_OBJECT('sku', CONCAT('SKU-', n % 5000), 'pieces', n % 10, 'price', n * 13 % 10000 / 100, 'tags', JSON_ARRAY('a', 'b', n % 7),
                    'to', JSON_OBJECT('city', ELT(1 + n % 4, 'Köln', '東京', 'Paris', 'Austin'), 'zip', LPAD(n % 99999, 5, '0'))),
        IF(n % 5 = 0, NULL, CONCAT('order "', n, '"; leave at the door\n— ', REPEAT(SHA2(n, 224), 1 + n % 4)))
      FROM numbers WHERE n > low AND n <= low + step;
    SET low = low + step;
  END WHILE;
END//
CREATE PROCEDURE change_narrow(low INT, high INT, step INT)
BEGIN
  WHILE low < high DO
    UPDATE narrow SET k = k + 1, c = IF(step = 1, c, REVERSE(c)) WHERE id > low AND id <= low + step;
    SET low = low + step;
  END WHILE;
END//
CREATE PROCEDURE change_wide(low INT, high INT, step INT)
BEGIN
  WHILE low < high DO
    UPDATE wide SET state = 'shipped', total = total + 1.5, attributes = JSON_SET(attributes, '$.pieces', 99)
      WHERE id > low AND id <= low + step;
    SET low = low + step;
  END WHILE;
END//
CREATE PROCEDURE mix(low INT, high INT)
BEGIN
  WHILE low < high DO
    SET low = low + 1;
    START TRANSACTION;
    UPDATE narrow SET k = k + 1 WHERE id = low;
    UPDATE wide SET note = CONCAT('mixed ', low) WHERE id = low;
    DELETE FROM narrow WHERE id = low + 200000;
    COMMIT;
  END WHILE;
END//
DELIMITER ;

FLUSH BINARY LOGS;
CALL fill_narrow(0, 350000, 1000);
CALL fill_narrow(350000, 400000, 1);
CALL fill_wide(0, 200000, 500);
CALL fill_wide(200000, 250000, 1);
CALL change_narrow(0, 150000, 1);
CALL change_narrow(0, 200000, 100);
CALL change_wide(0, 100000, 1);
CALL change_wide(0, 100000, 50);
CALL mix(0, 50000);
DELETE FROM narrow WHERE id BETWEEN 300001 AND 400000;
DELETE FROM wide WHERE id > 200000;
FLUSH BINARY LOGS;
