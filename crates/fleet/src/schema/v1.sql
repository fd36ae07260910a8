-- guidance-ledger fleet, schema version 1. Once, by a role that may create roles and a schema in this database.
--
-- Invariant: an event is never updated, and deleted by evict_v1 alone; a lane's batches are numbered without gaps in
-- the order in which they were committed, and each number has a row that covers it; a client that ships has no right on any table.
--
-- All that is created belongs to a role that cannot log in. Other schemas have other roles: a team's writers are
-- strangers to another team's schema.
BEGIN;
DO $$
DECLARE v_role text;
BEGIN
  FOREACH v_role IN ARRAY ARRAY['@owner@', '@writer@', '@reader@', '@admin@'] LOOP
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = v_role) THEN
      EXECUTE pg_catalog.format('CREATE ROLE %I NOLOGIN', v_role);
    END IF;
  END LOOP;
  IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = '@owner@' AND rolcanlogin) THEN
    RAISE EXCEPTION 'the role @owner@ can log in, and whatever it owns could be changed by it' USING HINT = 'ALTER ROLE "@owner@" NOLOGIN';
  END IF;
  IF NOT pg_catalog.pg_has_role('@owner@', 'MEMBER') THEN
    GRANT "@owner@" TO CURRENT_USER;
  END IF;
END $$;
CREATE SCHEMA @schema@ AUTHORIZATION "@owner@";
SET LOCAL ROLE "@owner@";

CREATE TABLE @schema@.meta (
  one         boolean PRIMARY KEY DEFAULT true CHECK (one),
  version     int NOT NULL,              -- of this schema
  min_client  int NOT NULL,              -- the oldest protocol that may still ship or read
  store       uuid NOT NULL,             -- identity of this store; a client remembers which one it shipped to
  changed_at  timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE @schema@.ledgers (
  id           int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name         text NOT NULL UNIQUE CHECK (octet_length(name) BETWEEN 1 AND 200),
  lanes        smallint NOT NULL DEFAULT 8 CHECK (lanes BETWEEN 1 AND 256),
  pace_ms      int NOT NULL DEFAULT 1000,                  -- how often a host may ship: the operator's brake for all
  max_bytes    int NOT NULL DEFAULT 16777216,              -- a longer event is set aside by its host
  horizon_at   timestamptz NOT NULL DEFAULT '-infinity',  -- all up to (at, key) was evicted and does not come back
  horizon_key  uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000'
);

-- One row per lane; its lock is what orders commits. Small and hot: room for HOT updates.
CREATE TABLE @schema@.lanes (
  ledger  int NOT NULL,
  lane    smallint NOT NULL,
  head    bigint NOT NULL DEFAULT 0,     -- number of the newest committed batch
  total   bigint NOT NULL DEFAULT 0,     -- events that were ever stored
  events  bigint NOT NULL DEFAULT 0,     -- stored minus evicted
  bytes   bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (ledger, lane)
) WITH (fillfactor = 20);

-- Who ships. Informational but for last_token, by which a client sees that the store went back in time.
CREATE TABLE @schema@.sources (
  ledger       int NOT NULL,
  source       uuid NOT NULL,
  host         text,
  label        text,
  agent        text,                     -- version of the shipper
  first_seen   timestamptz NOT NULL DEFAULT now(),
  last_seen    timestamptz NOT NULL DEFAULT now(),
  last_token   uuid,                     -- of its newest committed batch
  stored       bigint NOT NULL DEFAULT 0,
  repeated     bigint NOT NULL DEFAULT 0,-- offered again and already there
  late         bigint NOT NULL DEFAULT 0,-- below the horizon, not stored
  pending      bigint,                   -- bytes that the client said it still has
  pending_since timestamptz,             -- the time of the last event before them
  set_aside    bigint,                   -- events that its folder set aside, since no store takes them
  clock_ms     bigint,                   -- client's clock minus ours
  PRIMARY KEY (ledger, source)
) WITH (fillfactor = 50);

CREATE SEQUENCE @schema@.batch_ids;
CREATE TABLE @schema@.batches (
  ledger       int NOT NULL,
  lane         smallint NOT NULL,
  seq          bigint NOT NULL,          -- 1, 2, 3, … without gaps, in the order of commits
  batch        bigint NOT NULL,          -- joins events.batch, in all ledgers; says nothing about order
  source       uuid NOT NULL,
  token        uuid NOT NULL,            -- chosen by the client
  received_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
  n            int NOT NULL,
  total        bigint NOT NULL,          -- events that the lane was ever given, up to and with this batch
  covers       bigint NOT NULL DEFAULT 1,-- numbers that this row stands for: its own, and those right before it that fold_v1 took
  PRIMARY KEY (ledger, lane, seq)
);

CREATE TABLE @schema@.events (
  ledger  int NOT NULL,
  pos     int NOT NULL,                  -- place within its batch: the order of the local log
  at      timestamptz NOT NULL,          -- the event's timestamp; -infinity: it has none
  batch   bigint NOT NULL,
  task    bigint,                        -- hash of taskId; null: none
  key     uuid NOT NULL,                 -- first 16 bytes of SHA-256 of body
  body    bytea NOT NULL,                -- the line, byte for byte, without its newline
  PRIMARY KEY (ledger, at, key)
);
CREATE INDEX events_batch ON @schema@.events (batch);
-- Not by ledger too: a planner that has no statistics yet would scan all of a ledger by it, to find a batch.
CREATE INDEX events_task ON @schema@.events (task);

-- Append-only: nothing updates; only evict_v1 deletes.
CREATE FUNCTION @schema@.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' AND current_setting('guidance_ledger.evicting', true) = 'yes' THEN RETURN NULL; END IF;
  RAISE EXCEPTION 'events are append-only' USING ERRCODE = '42501', HINT = 'evict them with: guidance-ledger fleet compact';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON @schema@.events
  FOR EACH STATEMENT EXECUTE FUNCTION @schema@.refuse();

-- What a client asks first. One round trip.
CREATE FUNCTION @schema@.hello_v1(p_ledger text, p_source uuid)
RETURNS TABLE (version int, min_client int, store uuid, lanes smallint, pace_ms int, max_bytes int, last_token uuid, now_at timestamptz, read_only boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
  SELECT m.version, m.min_client, m.store, l.lanes, l.pace_ms, l.max_bytes, s.last_token, clock_timestamp(), pg_is_in_recovery()
    FROM @schema@.meta m
    LEFT JOIN @schema@.ledgers l ON l.name = p_ledger
    LEFT JOIN @schema@.sources s ON s.ledger = l.id AND s.source = p_source
$$;

-- The only way in. One statement, so one transaction, one round trip, and no lock is ever held while the
-- network is waited for. May be repeated at will. Written without FOUND, PERFORM, GET DIAGNOSTICS and row types,
-- which CockroachDB's PL/pgSQL lacks.
-- p_slot: the first two bytes of the source. p_known: the newest batch that the client knows to be here. A pooler keeps a
-- client's connection while the server behind it changes, so each call looks whether the past is still the same.
CREATE FUNCTION @schema@.ship_v1(p_ledger text, p_source uuid, p_slot int, p_known uuid, p_token uuid,
                        p_at timestamptz[], p_key uuid[], p_task bigint[], p_body bytea[],
                        p_host text, p_label text, p_agent text, p_pending bigint, p_pending_since timestamptz, p_set_aside bigint, p_clock_ms bigint,
                        OUT o_stored int, OUT o_repeated int, OUT o_late int, OUT o_lane smallint, OUT o_seq bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
  v_id int; v_lanes int; v_hat timestamptz; v_hkey uuid;
  v_all int := coalesce(array_length(p_key, 1), 0);
  v_batch bigint; v_bytes bigint; v_last uuid; v_total bigint;
BEGIN
  SELECT l.id, l.lanes, l.horizon_at, l.horizon_key INTO v_id, v_lanes, v_hat, v_hkey
    FROM @schema@.ledgers l WHERE l.name = p_ledger;
  IF v_id IS NULL THEN RAISE EXCEPTION 'no ledger of this name' USING ERRCODE = 'GL001'; END IF;
  IF coalesce(array_length(p_at, 1), 0) <> v_all OR coalesce(array_length(p_task, 1), 0) <> v_all
     OR coalesce(array_length(p_body, 1), 0) <> v_all OR v_all > 5000 OR coalesce(p_slot, -1) < 0 THEN
    RAISE EXCEPTION 'a batch whose columns differ in length, of more than 5000 events, or without a slot' USING ERRCODE = 'GL002';
  END IF;
  SELECT s.last_token INTO v_last FROM @schema@.sources s WHERE s.ledger = v_id AND s.source = p_source;
  IF v_last IS DISTINCT FROM p_known AND v_last IS DISTINCT FROM p_token THEN
    RAISE EXCEPTION 'the newest batch of this source is another one' USING ERRCODE = 'GL005';
  END IF;
  v_batch := nextval('@schema@.batch_ids');
  -- Both in one order for all, so that copies of a folder do not wait for each other in a circle. Nearly always all is
  -- new, and a plain insert takes a fifth less time than one that looks for conflicts.
  BEGIN
    WITH put AS (
      INSERT INTO @schema@.events (ledger, pos, at, batch, task, key, body)
      SELECT v_id, o.pos::int, o.at, v_batch, o.task, o.key, o.body
        FROM unnest(p_at, p_key, p_task, p_body) WITH ORDINALITY AS o (at, key, task, body, pos)
       WHERE (o.at, o.key) > (v_hat, v_hkey) ORDER BY o.at, o.key
      RETURNING octet_length(body) AS size
    ) SELECT count(*), coalesce(sum(p.size), 0) INTO o_stored, v_bytes FROM put p;
  EXCEPTION WHEN unique_violation THEN
    WITH put AS (
      INSERT INTO @schema@.events (ledger, pos, at, batch, task, key, body)
      SELECT v_id, o.pos::int, o.at, v_batch, o.task, o.key, o.body
        FROM unnest(p_at, p_key, p_task, p_body) WITH ORDINALITY AS o (at, key, task, body, pos)
       WHERE (o.at, o.key) > (v_hat, v_hkey) ORDER BY o.at, o.key
      ON CONFLICT (ledger, at, key) DO NOTHING
      RETURNING octet_length(body) AS size
    ) SELECT count(*), coalesce(sum(p.size), 0) INTO o_stored, v_bytes FROM put p;
  END;
  SELECT count(*) INTO o_late FROM unnest(p_at, p_key) AS o (at, key) WHERE (o.at, o.key) <= (v_hat, v_hkey);
  o_repeated := v_all - o_stored - o_late;
  INSERT INTO @schema@.sources AS s (ledger, source, host, label, agent, last_token, stored, repeated, late, pending, pending_since, set_aside, clock_ms)
  VALUES (v_id, p_source, p_host, p_label, p_agent, p_token, o_stored, o_repeated, o_late, p_pending, p_pending_since, p_set_aside, p_clock_ms)
  ON CONFLICT (ledger, source) DO UPDATE SET host = excluded.host, label = excluded.label, agent = excluded.agent, last_seen = now(),
     last_token = excluded.last_token, stored = s.stored + excluded.stored, repeated = s.repeated + excluded.repeated, late = s.late + excluded.late,
     pending = excluded.pending, pending_since = excluded.pending_since, set_aside = excluded.set_aside, clock_ms = excluded.clock_ms;
  IF o_stored > 0 THEN
    -- Last of all: from here to the commit no other transaction can commit in this lane, so numbers become visible in their order.
    o_lane := (p_slot % v_lanes)::smallint;
    UPDATE @schema@.lanes l SET head = l.head + 1, total = l.total + o_stored, events = l.events + o_stored, bytes = l.bytes + v_bytes
     WHERE l.ledger = v_id AND l.lane = o_lane RETURNING l.head, l.total INTO o_seq, v_total;
    IF o_seq IS NULL THEN RAISE EXCEPTION 'this ledger lacks a lane' USING ERRCODE = 'GL003'; END IF;
    INSERT INTO @schema@.batches (ledger, lane, seq, batch, source, token, n, total)
    VALUES (v_id, o_lane, o_seq, v_batch, p_source, p_token, o_stored, v_total);
  END IF;
END $$;

-- For a client that has to offer much again: which of these are not there? 24 bytes an event instead of all of it.
CREATE FUNCTION @schema@.missing_v1(p_ledger text, p_at timestamptz[], p_key uuid[]) RETURNS int[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
  SELECT coalesce(array_agg(u.pos::int ORDER BY u.pos), '{}')
    FROM @schema@.ledgers l, unnest(p_at, p_key) WITH ORDINALITY AS u (at, key, pos)
   WHERE l.name = p_ledger AND (u.at, u.key) > (l.horizon_at, l.horizon_key)
     AND NOT EXISTS (SELECT 1 FROM @schema@.events e WHERE e.ledger = l.id AND e.at = u.at AND e.key = u.key)
$$;

-- A page of a reader. The settings are for a planner that has no statistics of the table yet: it would read and sort all
-- that is behind the page's beginning to give out the first rows.
CREATE FUNCTION @schema@.page_v1(p_ledger int, p_at timestamptz, p_key uuid, p_until timestamptz, p_rows bigint)
RETURNS TABLE (at timestamptz, key uuid, batch bigint, pos int, body bytea)
LANGUAGE sql STABLE SET search_path = pg_catalog SET enable_bitmapscan = off SET enable_seqscan = off SET enable_sort = off AS $$
  SELECT e.at, e.key, e.batch, e.pos, e.body FROM @schema@.events e
   WHERE e.ledger = p_ledger AND (e.at, e.key) > (p_at, p_key) AND e.at <= p_until ORDER BY e.at, e.key LIMIT p_rows
$$;

-- The times of the oldest and the newest event; with the settings of page_v1, for the same reason.
CREATE FUNCTION @schema@.ends_v1(p_ledger int, OUT o_oldest timestamptz, OUT o_newest timestamptz)
LANGUAGE sql STABLE SET search_path = pg_catalog SET enable_bitmapscan = off SET enable_seqscan = off SET enable_sort = off AS $$
  SELECT (SELECT e.at FROM @schema@.events e WHERE e.ledger = p_ledger ORDER BY e.at, e.key LIMIT 1),
         (SELECT e.at FROM @schema@.events e WHERE e.ledger = p_ledger ORDER BY e.at DESC, e.key DESC LIMIT 1)
$$;

-- Evicts the oldest until p_keep are left, at most p_at_most in this call. Answers how many; call it until 0.
CREATE FUNCTION @schema@.evict_v1(p_ledger text, p_keep bigint, p_at_most int, p_dry boolean)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog SET enable_bitmapscan = off SET enable_seqscan = off SET enable_sort = off AS $$
DECLARE v_id int; v_at timestamptz; v_key uuid; v_n bigint; v_bytes bigint; v_flag text;
BEGIN
  SELECT id INTO v_id FROM @schema@.ledgers WHERE name = p_ledger FOR UPDATE;   -- one at a time
  IF v_id IS NULL THEN RAISE EXCEPTION 'no ledger of this name' USING ERRCODE = 'GL001'; END IF;
  SELECT greatest(sum(events) - p_keep, 0) INTO v_n FROM @schema@.lanes WHERE ledger = v_id;
  IF p_dry OR v_n = 0 THEN RETURN v_n; END IF;
  SELECT at, key INTO STRICT v_at, v_key FROM @schema@.events WHERE ledger = v_id ORDER BY at, key OFFSET least(v_n, p_at_most) - 1 LIMIT 1;
  v_flag := set_config('guidance_ledger.evicting', 'yes', true);
  WITH gone AS (DELETE FROM @schema@.events WHERE ledger = v_id AND (at, key) <= (v_at, v_key) RETURNING octet_length(body) AS size)
  SELECT count(*), coalesce(sum(size), 0) INTO v_n, v_bytes FROM gone;
  v_flag := set_config('guidance_ledger.evicting', 'no', true);
  UPDATE @schema@.ledgers SET horizon_at = v_at, horizon_key = v_key WHERE id = v_id AND (horizon_at, horizon_key) < (v_at, v_key);
  UPDATE @schema@.lanes SET events = events - v_n, bytes = bytes - v_bytes WHERE ledger = v_id AND lane = 0;
  RETURN v_n;
END $$;

-- Folds batches of which no event is left: of neighbours, the last one stays and stands for all of them. The newest batch
-- of a lane has no neighbour behind it, so it stays. Looks at p_at_most batches behind p_after; answers where to go on,
-- null at the end.
CREATE FUNCTION @schema@.fold_v1(p_ledger text, p_lane smallint, p_after bigint, p_at_most int)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE v_id int; v_looked int; v_last bigint; v_before bigint;
BEGIN
  SELECT id INTO v_id FROM @schema@.ledgers WHERE name = p_ledger FOR UPDATE;   -- one at a time
  IF v_id IS NULL THEN RAISE EXCEPTION 'no ledger of this name' USING ERRCODE = 'GL001'; END IF;
  SELECT count(*), max(w.seq) INTO v_looked, v_last
    FROM (SELECT b.seq FROM @schema@.batches b WHERE b.ledger = v_id AND b.lane = p_lane AND b.seq > p_after ORDER BY b.seq LIMIT p_at_most) w;
  WITH looked AS (
    SELECT b.seq, NOT EXISTS (SELECT 1 FROM @schema@.events e WHERE e.batch = b.batch) AS gone
      FROM @schema@.batches b WHERE b.ledger = v_id AND b.lane = p_lane AND b.seq > p_after AND b.seq <= v_last
  ), pairs AS (
    SELECT l.seq, l.gone AND lead(l.gone) OVER (ORDER BY l.seq) AS foldable FROM looked l
  )
  DELETE FROM @schema@.batches b USING pairs p WHERE b.ledger = v_id AND b.lane = p_lane AND b.seq = p.seq AND p.foldable;
  SELECT coalesce(max(b.seq), 0) INTO v_before FROM @schema@.batches b WHERE b.ledger = v_id AND b.lane = p_lane AND b.seq <= p_after;
  UPDATE @schema@.batches b SET covers = b.seq - left_over.before
    FROM (SELECT k.seq, lag(k.seq, 1, v_before) OVER (ORDER BY k.seq) AS before
            FROM @schema@.batches k WHERE k.ledger = v_id AND k.lane = p_lane AND k.seq > p_after AND k.seq <= v_last) left_over
   WHERE b.ledger = v_id AND b.lane = p_lane AND b.seq = left_over.seq AND b.covers <> b.seq - left_over.before;
  RETURN CASE WHEN v_looked < p_at_most THEN NULL ELSE v_last - 1 END;
END $$;

CREATE FUNCTION @schema@.create_ledger_v1(p_name text, p_lanes smallint) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE v_id int;
BEGIN
  INSERT INTO @schema@.ledgers (name, lanes) VALUES (p_name, p_lanes) ON CONFLICT (name) DO NOTHING RETURNING id INTO v_id;
  IF v_id IS NOT NULL THEN INSERT INTO @schema@.lanes (ledger, lane) SELECT v_id, g FROM generate_series(0, p_lanes - 1) g; END IF;
  RETURN v_id;                                   -- null: it was there
END $$;

-- More lanes, never fewer: a lane's numbers are positions of followers. Answers how many there were.
CREATE FUNCTION @schema@.lanes_v1(p_ledger text, p_lanes smallint) RETURNS smallint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE v_id int; v_now smallint;
BEGIN
  SELECT l.id, l.lanes INTO v_id, v_now FROM @schema@.ledgers l WHERE l.name = p_ledger FOR UPDATE;
  IF v_id IS NULL THEN RAISE EXCEPTION 'no ledger of this name' USING ERRCODE = 'GL001'; END IF;
  IF p_lanes < v_now THEN RAISE EXCEPTION 'a ledger of % lanes cannot have fewer', v_now USING ERRCODE = 'GL002'; END IF;
  INSERT INTO @schema@.lanes (ledger, lane) SELECT v_id, g FROM generate_series(v_now, p_lanes - 1) g;   -- before a client can be sent there
  UPDATE @schema@.ledgers SET lanes = p_lanes WHERE id = v_id;
  RETURN v_now;
END $$;

-- For people: psql, dashboards. Null where the line is no JSON that jsonb can hold.
CREATE FUNCTION @schema@.as_json(p_body bytea) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog AS $$
BEGIN RETURN convert_from(p_body, 'UTF8')::jsonb; EXCEPTION WHEN others THEN RETURN NULL; END $$;
CREATE VIEW @schema@.readable AS
  SELECT l.name AS ledger, e.at, b.received_at, s.host, s.label, @schema@.as_json(e.body) AS event
    FROM @schema@.events e JOIN @schema@.ledgers l ON l.id = e.ledger JOIN @schema@.batches b ON b.batch = e.batch AND b.ledger = e.ledger
    LEFT JOIN @schema@.sources s ON s.ledger = e.ledger AND s.source = b.source;

INSERT INTO @schema@.meta (version, min_client, store) VALUES (1, 1, gen_random_uuid());

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA @schema@ FROM public;
GRANT USAGE ON SCHEMA @schema@ TO "@writer@", "@reader@", "@admin@";
GRANT EXECUTE ON FUNCTION @schema@.hello_v1 TO "@writer@", "@reader@", "@admin@";
GRANT EXECUTE ON FUNCTION @schema@.ship_v1, @schema@.missing_v1 TO "@writer@";
GRANT SELECT ON @schema@.meta, @schema@.ledgers, @schema@.lanes, @schema@.sources, @schema@.batches, @schema@.events, @schema@.readable TO "@reader@";
GRANT EXECUTE ON FUNCTION @schema@.as_json, @schema@.page_v1, @schema@.ends_v1 TO "@reader@";
GRANT EXECUTE ON FUNCTION @schema@.evict_v1, @schema@.fold_v1, @schema@.create_ledger_v1, @schema@.lanes_v1 TO "@admin@";
RESET ROLE;
GRANT "@reader@" TO "@admin@";
COMMIT;
