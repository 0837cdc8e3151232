-- MariaDB can still write the TIME, DATETIME and TIMESTAMP of before MySQL 5.6 (without fraction).
SET GLOBAL mysql56_temporal_format = OFF;
SET sql_mode = '', time_zone = '+00:00';
CREATE TABLE old (id INT PRIMARY KEY, t TIME, dt DATETIME, ts TIMESTAMP NULL);
INSERT INTO old VALUES (1, '838:59:59', '9999-12-31 23:59:59', '2038-01-19 03:14:07'), (2, '-838:59:59', '1000-01-01 00:00:00', '1970-01-01 00:00:01'), (3, 0, 0, 0), (4, '-00:00:01', '2024-02-00 12:34:56', '2024-02-29 12:34:56'), (5, NULL, NULL, NULL), (6, '12:34:56', '2024-02-29 01:02:03', '2001-09-09 01:46:40');
SET GLOBAL mysql56_temporal_format = ON;
