-- The only way to read. None of them can be asked without a tenant, each but stored_readings_of removes repetitions, and conditions on
-- device, metric and time reach the primary key through them.
CREATE OR REPLACE VIEW readings_of AS
SELECT device, metric, ts, value, type, received_at FROM readings FINAL WHERE tenant = {tenant:String};

-- Rows as they lie, repetitions included: to see cheaply whether there are many.
CREATE OR REPLACE VIEW stored_readings_of AS
SELECT device, metric, ts FROM readings WHERE tenant = {tenant:String};

CREATE OR REPLACE VIEW events_of AS
SELECT device, ts, kind, name, text, received_at FROM events FINAL WHERE tenant = {tenant:String};

-- Grouped instead of FINAL: FINAL combined with one element of an aggregated tuple picks that element from any of the rows.
CREATE OR REPLACE VIEW latest_of AS
SELECT device, metric, max(newest) AS value, max(seen) AS last_seen, max(pace) AS last_pace
FROM latest WHERE tenant = {tenant:String} GROUP BY tenant, device, metric;

CREATE OR REPLACE VIEW touched_of AS
SELECT device, hour FROM touched WHERE tenant = {tenant:String} GROUP BY tenant, device, hour HAVING sum(token) != 0;

CREATE OR REPLACE VIEW rollup_1m_of AS
SELECT device, metric, ts, low, if(w.count = 1, w.low, w.high) AS high, if(w.count = 1, w.low, w.total) AS total, count,
    first_ts, if(w.count = 1, w.first_ts, w.last_ts) AS last_ts, if(w.count = 1, w.low, w.last) AS last
FROM rollup_1m AS w FINAL WHERE tenant = {tenant:String};

CREATE OR REPLACE VIEW rollup_1h_of AS
SELECT device, metric, ts, low, if(w.count = 1, w.low, w.high) AS high, if(w.count = 1, w.low, w.total) AS total, count,
    first_ts, if(w.count = 1, w.first_ts, w.last_ts) AS last_ts, if(w.count = 1, w.low, w.last) AS last
FROM rollup_1h AS w FINAL WHERE tenant = {tenant:String};

CREATE OR REPLACE VIEW rollup_1d_of AS
SELECT device, metric, ts, low, if(w.count = 1, w.low, w.high) AS high, if(w.count = 1, w.low, w.total) AS total, count,
    first_ts, if(w.count = 1, w.first_ts, w.last_ts) AS last_ts, if(w.count = 1, w.low, w.last) AS last
FROM rollup_1d AS w FINAL WHERE tenant = {tenant:String};
