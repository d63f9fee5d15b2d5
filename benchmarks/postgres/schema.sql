-- A double-entry ledger as a careful team writes it for PostgreSQL: what our ledger promises about a
-- transfer (an id happens once, accounts exist and share a currency, limits hold, both balances
-- move together) is promised here too. Wide columns come first, so that no padding is stored.

DROP TABLE IF EXISTS transfers, accounts;
DROP FUNCTION IF EXISTS create_transfers, create_transfer, now_ns;

CREATE TABLE accounts (
  debits_pending  bigint NOT NULL DEFAULT 0,
  debits_posted   bigint NOT NULL DEFAULT 0,
  credits_pending bigint NOT NULL DEFAULT 0,
  credits_posted  bigint NOT NULL DEFAULT 0,
  timestamp_ns    bigint NOT NULL,
  ledger          integer NOT NULL,
  flags           integer NOT NULL DEFAULT 0,
  code            smallint NOT NULL,
  id              uuid PRIMARY KEY,
  CONSTRAINT debits_must_not_exceed_credits
    CHECK (flags & 2 = 0 OR debits_posted + debits_pending <= credits_posted),
  CONSTRAINT credits_must_not_exceed_debits
    CHECK (flags & 4 = 0 OR credits_posted + credits_pending <= debits_posted)
) WITH (fillfactor = 50);  -- Balances change in place of their page: no index is touched.

CREATE TABLE transfers (
  amount            bigint NOT NULL CHECK (amount > 0),
  timestamp_ns      bigint NOT NULL,
  ledger            integer NOT NULL,
  flags             integer NOT NULL DEFAULT 0,
  code              smallint NOT NULL,
  id                uuid PRIMARY KEY,
  debit_account_id  uuid NOT NULL REFERENCES accounts,
  credit_account_id uuid NOT NULL REFERENCES accounts,
  CHECK (debit_account_id <> credit_account_id)
);
CREATE INDEX transfers_by_debit ON transfers (debit_account_id, timestamp_ns);
CREATE INDEX transfers_by_credit ON transfers (credit_account_id, timestamp_ns);

CREATE FUNCTION now_ns() RETURNS bigint LANGUAGE sql VOLATILE
  AS $$ SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint * 1000 $$;

-- A batch at once: answers how many transfers were created; the rest had happened before or named
-- what does not exist. A limit that would be broken fails the whole batch, which a client would
-- then send one by one: our load breaks none, so that this is the fastest way.
CREATE FUNCTION create_transfers(ids uuid[], debits uuid[], credits uuid[], amounts bigint[])
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  first_ns bigint := now_ns();
  created bigint;
  touched uuid[];
  touched_paid bigint[];
  touched_received bigint[];
BEGIN
  -- All lock in the order of ids: two batches cannot wait for each other.
  PERFORM FROM accounts WHERE id = ANY(debits || credits) ORDER BY id FOR NO KEY UPDATE;
  -- A statement of its own: foreign keys are checked at its end, when the locks above are still the
  -- newest of their rows and suffice. Behind an UPDATE they would write another lock into each row.
  WITH inserted AS (
    INSERT INTO transfers (id, debit_account_id, credit_account_id, amount, ledger, code, timestamp_ns)
    SELECT wanted.id, wanted.debit, wanted.credit, wanted.amount, payer.ledger, 1, first_ns + wanted.number
    FROM unnest(ids, debits, credits, amounts) WITH ORDINALITY AS wanted(id, debit, credit, amount, number)
    JOIN accounts AS payer ON payer.id = wanted.debit
    JOIN accounts AS payee ON payee.id = wanted.credit AND payee.ledger = payer.ledger
    ORDER BY wanted.number
    ON CONFLICT (id) DO NOTHING
    RETURNING debit_account_id, credit_account_id, amount
  ), sums AS (
    SELECT account, count(debit) AS transfers, sum(debit)::bigint AS paid, sum(credit)::bigint AS received
    FROM (SELECT debit_account_id AS account, amount AS debit, NULL::bigint AS credit FROM inserted
          UNION ALL SELECT credit_account_id, NULL, amount FROM inserted) AS sides
    GROUP BY account
  )
  SELECT coalesce(sum(transfers), 0), array_agg(account),
         array_agg(coalesce(paid, 0)), array_agg(coalesce(received, 0))
  INTO created, touched, touched_paid, touched_received FROM sums;
  UPDATE accounts SET debits_posted = debits_posted + sums.paid,
                      credits_posted = credits_posted + sums.received
  FROM unnest(touched, touched_paid, touched_received) AS sums(account, paid, received)
  WHERE accounts.id = sums.account;
  RETURN created;
END $$;

-- One transfer: answers 1, or 0 when the id has happened before.
CREATE FUNCTION create_transfer(id uuid, debit uuid, credit uuid, amount bigint)
RETURNS bigint LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  lower_id uuid := least(debit, credit);
  higher_id uuid := greatest(debit, credit);
BEGIN
  INSERT INTO transfers (id, debit_account_id, credit_account_id, amount, ledger, code, timestamp_ns)
  SELECT $1, debit, credit, $4, payer.ledger, 1, now_ns()
  FROM accounts AS payer JOIN accounts AS payee ON payee.ledger = payer.ledger
  WHERE payer.id = debit AND payee.id = credit
  ON CONFLICT (id) DO NOTHING;
  IF NOT FOUND THEN RETURN 0; END IF;
  UPDATE accounts SET debits_posted = debits_posted + CASE WHEN lower_id = debit THEN $4 ELSE 0 END,
                      credits_posted = credits_posted + CASE WHEN lower_id = credit THEN $4 ELSE 0 END
  WHERE id = lower_id;
  UPDATE accounts SET debits_posted = debits_posted + CASE WHEN higher_id = debit THEN $4 ELSE 0 END,
                      credits_posted = credits_posted + CASE WHEN higher_id = credit THEN $4 ELSE 0 END
  WHERE id = higher_id;
  RETURN 1;
END $$;
