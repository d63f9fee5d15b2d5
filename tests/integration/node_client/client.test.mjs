// The ledger's API as a client in another language meets it: real process, .proto files, no
// generated code. Codes and rules are those of docs/ledger.md.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Node, shard } from './node.mjs';

const accountFlag = { limitDebits: 2, limitCredits: 4, history: 8, imported: 16, closed: 32 };
const flag = {
  linked: 1,
  pending: 2,
  post: 4,
  void: 8,
  balancingDebit: 16,
  balancingCredit: 32,
  closingDebit: 64,
  closingCredit: 128,
  imported: 256,
};
const everything = (2n ** 64n - 1n).toString();

const node = new Node();
before(() => node.start());
after(async () => assert.equal(await node.stop(), 0));

// --- Words for the tests ---

const accountId = (number) => ({ high: (BigInt(shard) << 48n).toString(), low: String(number) });
const transferId = (number) => ({ high: '7', low: String(number) });

let accountsDrawn = 0;
let transfersDrawn = 0;
const newAccount = (fields = {}) => ({ id: accountId(++accountsDrawn), ledger: 1, code: 10, ...fields });
const newTransfer = (debit, credit, fields = {}) => ({
  id: transferId(++transfersDrawn),
  debit_account_id: debit.id,
  credit_account_id: credit.id,
  amount: '1',
  ledger: 1,
  code: 20,
  ...fields,
});
// Ends a pending transfer; what it does not say is the pending one's.
const end = (pending, flags, fields = {}) => ({
  id: transferId(++transfersDrawn),
  pending_id: pending.id,
  flags,
  ...fields,
});

// The code of each event: 0 where it succeeded.
async function codes(method, list, events) {
  const { results } = await node.call(method, { [list]: events });
  const all = events.map(() => 0);
  for (const { index, code } of results) all[index] = code;
  return all;
}
const createAccounts = (...accounts) => codes('CreateAccounts', 'accounts', accounts);
const createTransfers = (...transfers) => codes('CreateTransfers', 'transfers', transfers);
const setLimits = (...limits) => codes('SetBalanceLimits', 'limits', limits);

async function accounts(...fields) {
  const drawn = fields.map(newAccount);
  assert.deepEqual(await createAccounts(...drawn), drawn.map(() => 0));
  return drawn;
}
async function made(...transfers) {
  assert.deepEqual(await createTransfers(...transfers), transfers.map(() => 0));
}

const lookupAccount = async ({ id }) => (await node.call('LookupAccounts', { ids: [id] })).accounts[0];
const lookupTransfer = async ({ id }) => (await node.call('LookupTransfers', { ids: [id] })).transfers[0];
const fourBalances = (row) =>
  [row.debits_pending, row.debits_posted, row.credits_pending, row.credits_posted].map(Number);
// Debits pending and posted, credits pending and posted.
const balances = async (account) => fourBalances(await lookupAccount(account));
const amountOf = async (transfer) => Number((await lookupTransfer(transfer)).amount);

const history = async (filter) =>
  (await node.call('GetAccountTransfers', { debits: true, credits: true, limit: 8_190, ...filter })).transfers;
const ids = (rows) => rows.map((row) => Number(row.id.low));
const plus = (timestamp, by) => (BigInt(timestamp) + by).toString();

// --- Imported first: what is imported must be newer than all that is there ---

test('imported accounts and transfers keep the times they bring', async () => {
  const time = (second) => plus('1600000000000000000', BigInt(second) * 1_000_000_000n);
  const debit = newAccount({ flags: accountFlag.imported, timestamp_ns: time(1) });
  const credit = newAccount({ flags: accountFlag.imported, timestamp_ns: time(2) });
  assert.deepEqual(await createAccounts(debit, credit), [0, 0]);
  assert.equal((await lookupAccount(credit)).timestamp_ns, time(2));

  const imported = (second, fields) =>
    newTransfer(debit, credit, { flags: flag.imported, timestamp_ns: time(second), ...fields });
  const first = imported(3, { amount: '30' });
  await made(first, imported(4, { amount: '4' }));
  assert.equal((await lookupTransfer(first)).timestamp_ns, time(3));
  assert.deepEqual(await balances(debit), [0, 34, 0, 0]);

  // exists; imported_event_timestamp_must_not_regress; …_must_not_advance.
  assert.deepEqual(await createTransfers(first), [46]);
  assert.deepEqual(await createTransfers(imported(3)), [60]);
  assert.deepEqual(await createTransfers(imported(2_000_000_000)), [59]);
});

test('an account is created once, and a repeat is told that it exists', async () => {
  const account = newAccount({ user_data_128: { high: '1', low: '2' }, user_data_64: everything, user_data_32: 3 });
  const other = newAccount();
  const { results, commits } = await node.call('CreateAccounts', { accounts: [account, other] });
  assert.deepEqual(results, []);
  assert.equal(commits.length, 1);
  assert.equal(commits[0].shard, shard);

  const found = await lookupAccount(account);
  assert.deepEqual(found.user_data_128, account.user_data_128);
  assert.equal(found.user_data_64, everything);
  assert.equal(found.user_data_32, 3);
  assert.deepEqual(fourBalances(found), [0, 0, 0, 0]);
  // Each event has a time of its own; the last one's is the record's.
  assert.equal(found.timestamp_ns, plus(commits[0].timestamp_ns, -1n));
  assert.equal((await lookupAccount(other)).timestamp_ns, commits[0].timestamp_ns);

  assert.deepEqual(await createAccounts(account), [21]);
  assert.deepEqual(await createAccounts({ ...account, ledger: 2 }), [19]);
});

test('a plain transfer moves money once, however often it is sent', async () => {
  const [debit, credit] = await accounts({}, {});
  const transfer = newTransfer(debit, credit, { amount: '100', user_data_64: '9' });
  await made(transfer);
  assert.deepEqual(await createTransfers(transfer), [46]);
  assert.deepEqual(await createTransfers({ ...transfer, amount: '101' }), [39]);
  assert.deepEqual(await createTransfers({ ...transfer, code: 21 }), [45]);
  assert.deepEqual(await balances(debit), [0, 100, 0, 0]);
  assert.deepEqual(await balances(credit), [0, 0, 0, 100]);

  const found = await lookupTransfer(transfer);
  assert.deepEqual(found.debit_account_id, debit.id);
  assert.deepEqual(found.credit_account_id, credit.id);
  assert.equal(found.amount, '100');
  assert.equal(found.user_data_64, '9');
});

test('a linked chain happens whole', async () => {
  const [debit, through, credit] = await accounts({}, {}, {});
  const chain = [
    newTransfer(debit, through, { amount: '8', flags: flag.linked }),
    newTransfer(through, credit, { amount: '8' }),
  ];
  await made(...chain);
  assert.deepEqual(await balances(through), [0, 8, 0, 8]);
  // Its first event exists, so the rest is linked_event_failed.
  assert.deepEqual(await createTransfers(...chain), [46, 1]);
  assert.deepEqual(await balances(through), [0, 8, 0, 8]);
});

test('a linked chain with a link that fails does not happen at all', async () => {
  const [debit, credit] = await accounts({}, {});
  const first = newTransfer(debit, credit, { flags: flag.linked });
  const toItself = newTransfer(debit, debit, { flags: flag.linked });
  const alone = newTransfer(debit, credit, { amount: '5' });
  // linked_event_failed, accounts_must_be_different, linked_event_failed; what is behind it happens.
  assert.deepEqual(await createTransfers(first, toItself, newTransfer(debit, credit), alone), [1, 12, 1, 0]);
  assert.deepEqual(await balances(debit), [0, 5, 0, 0]);
  assert.equal(await lookupTransfer(first), undefined);
  // linked_event_chain_open.
  assert.deepEqual(await createTransfers(newTransfer(debit, credit, { flags: flag.linked })), [2]);
});

test('a pending transfer reserves, and its post moves all of it', async () => {
  const [debit, credit] = await accounts({}, {});
  const pending = newTransfer(debit, credit, { amount: '50', flags: flag.pending });
  await made(pending);
  assert.deepEqual(await balances(debit), [50, 0, 0, 0]);
  assert.deepEqual(await balances(credit), [0, 0, 50, 0]);

  const post = end(pending, flag.post, { amount: everything });
  await made(post);
  assert.deepEqual(await balances(debit), [0, 50, 0, 0]);
  assert.deepEqual(await balances(credit), [0, 0, 0, 50]);
  const found = await lookupTransfer(post);
  assert.equal(found.amount, '50');
  assert.deepEqual(found.pending_id, pending.id);
  assert.deepEqual(found.debit_account_id, debit.id);
  assert.deepEqual(await createTransfers(post), [46]);
  // pending_transfer_already_posted
  assert.deepEqual(await createTransfers(end(pending, flag.post, { amount: '1' }), end(pending, flag.void)), [33, 33]);
});

test('a post of a part moves it and releases the rest', async () => {
  const [debit, credit] = await accounts({}, {});
  const pending = newTransfer(debit, credit, { amount: '50', flags: flag.pending });
  await made(pending);
  // exceeds_pending_transfer_amount
  assert.deepEqual(await createTransfers(end(pending, flag.post, { amount: '51' })), [31]);
  await made(end(pending, flag.post, { amount: '20' }));
  assert.deepEqual(await balances(debit), [0, 20, 0, 0]);
  assert.deepEqual(await balances(credit), [0, 0, 0, 20]);
});

test('a void releases all of a pending transfer', async () => {
  const [debit, credit] = await accounts({}, {});
  const pending = newTransfer(debit, credit, { amount: '50', flags: flag.pending });
  await made(pending);
  const ended = end(pending, flag.void);
  await made(ended);
  assert.deepEqual(await balances(debit), [0, 0, 0, 0]);
  assert.deepEqual(await createTransfers(ended), [46]);
  // pending_transfer_already_voided
  assert.deepEqual(await createTransfers(end(pending, flag.post, { amount: '50' })), [34]);
});

test('a pending transfer expires by itself, and cannot be posted then', async () => {
  const [debit, credit] = await accounts({}, {});
  const pending = newTransfer(debit, credit, { amount: '50', flags: flag.pending, timeout_s: 1 });
  await made(pending);
  assert.deepEqual(await balances(debit), [50, 0, 0, 0]);
  // Nobody writes meanwhile: the node must see to it.
  const deadline = Date.now() + 30_000;
  while ((await balances(debit))[0] > 0) assert.ok(Date.now() < deadline, 'nothing was released');
  assert.deepEqual(await balances(credit), [0, 0, 0, 0]);
  // pending_transfer_expired
  assert.deepEqual(await createTransfers(end(pending, flag.post, { amount: '50' })), [35]);
});

test('a balancing debit takes what the account has', async () => {
  const [purse, other] = await accounts({ flags: accountFlag.limitDebits }, {});
  await made(newTransfer(other, purse, { amount: '70' }));
  const some = newTransfer(purse, other, { amount: '30', flags: flag.balancingDebit });
  const rest = newTransfer(purse, other, { amount: everything, flags: flag.balancingDebit });
  await made(some, rest);
  assert.equal(await amountOf(some), 30);
  assert.equal(await amountOf(rest), 40);
  assert.deepEqual(await balances(purse), [0, 70, 0, 70]);
  assert.deepEqual(await createTransfers(rest), [46]);
  // exceeds_credits, which burns the id.
  const tooMuch = newTransfer(purse, other);
  assert.deepEqual(await createTransfers(tooMuch), [54]);
  assert.deepEqual(await createTransfers(tooMuch), [68]);
});

test('a balancing credit gives what the account lacks', async () => {
  const [debtor, other] = await accounts({}, {});
  await made(newTransfer(debtor, other, { amount: '70' }));
  const settled = newTransfer(other, debtor, { amount: '100', flags: flag.balancingCredit });
  await made(settled);
  assert.equal(await amountOf(settled), 70);
  assert.deepEqual(await balances(debtor), [0, 70, 0, 70]);
});

for (const side of ['debit', 'credit']) {
  test(`a closing ${side} closes the account until it is voided`, async () => {
    const [closing, other] = await accounts({}, {});
    const [from, to] = side === 'debit' ? [closing, other] : [other, closing];
    const flags = flag.pending | (side === 'debit' ? flag.closingDebit : flag.closingCredit);
    const close = newTransfer(from, to, { amount: '0', flags });
    await made(close);
    assert.equal((await lookupAccount(closing)).flags, accountFlag.closed);
    // debit_account_already_closed, credit_account_already_closed
    assert.deepEqual(await createTransfers(newTransfer(closing, other), newTransfer(other, closing)), [65, 66]);
    await made(end(close, flag.void));
    assert.equal((await lookupAccount(closing)).flags, 0);
    await made(newTransfer(closing, other));
  });
}

test('a balance limit refuses what would take the account above it', async () => {
  const [other, wallet] = await accounts({}, {});
  const limit = (account_id, balance_max) => ({ account_id, balance_max });
  assert.deepEqual(await setLimits(limit(wallet.id, '100'), limit(accountId(999_999_999), '1')), [0, 1]);
  assert.equal((await lookupAccount(wallet)).balance_max, '100');
  // exceeds_credit_account_balance_max
  assert.deepEqual(await createTransfers(newTransfer(other, wallet, { amount: '101' })), [1003]);
  const pending = newTransfer(other, wallet, { amount: '60', flags: flag.pending });
  await made(pending);
  assert.deepEqual(await createTransfers(newTransfer(other, wallet, { amount: '41' })), [1003]);
  await made(newTransfer(other, wallet, { amount: '40' }));
  assert.deepEqual(await setLimits(limit(wallet.id, '0')), [0]);
  await made(newTransfer(other, wallet, { amount: '1000' }));
});

// An account with 25 transfers, every third of them a credit.
async function busyAccount(flags = 0) {
  const [account, other] = await accounts({ flags }, {});
  const transfers = Array.from({ length: 25 }, (_, i) =>
    newTransfer(...(i % 3 === 2 ? [other, account] : [account, other]), {
      amount: String(i + 1),
      code: i % 2 === 0 ? 20 : 21,
      user_data_32: i,
    }),
  );
  for (const part of [transfers.slice(0, 10), transfers.slice(10)]) await made(...part);
  return { account, transfers };
}

test('history is read in pages, oldest first', async () => {
  const { account, transfers } = await busyAccount();
  const filter = { account_id: account.id, limit: 10 };
  const pages = [];
  for (let from = '0', page; (page = await history({ ...filter, timestamp_min_ns: from })).length > 0; ) {
    pages.push(page);
    from = plus(page.at(-1).timestamp_ns, 1n);
  }
  assert.deepEqual(pages.map((page) => page.length), [10, 10, 5]);
  assert.deepEqual(ids(pages.flat()), ids(transfers));
});

test('history is read in pages, newest first', async () => {
  const { account, transfers } = await busyAccount();
  const filter = { account_id: account.id, limit: 10, reversed: true };
  const pages = [];
  for (let to = '0', page; (page = await history({ ...filter, timestamp_max_ns: to })).length > 0; ) {
    pages.push(page);
    to = plus(page.at(-1).timestamp_ns, -1n);
  }
  assert.deepEqual(pages.map((page) => page.length), [10, 10, 5]);
  assert.deepEqual(ids(pages.flat()), ids(transfers).reverse());
});

test('history is read within a range of time, both ends in it', async () => {
  const { account, transfers } = await busyAccount();
  const range = {
    account_id: account.id,
    timestamp_min_ns: (await lookupTransfer(transfers[7])).timestamp_ns,
    timestamp_max_ns: (await lookupTransfer(transfers[12])).timestamp_ns,
  };
  assert.deepEqual(ids(await history(range)), ids(transfers.slice(7, 13)));
  assert.deepEqual(ids(await history({ ...range, limit: 2 })), ids(transfers.slice(7, 9)));
  assert.deepEqual(ids(await history({ ...range, limit: 2, reversed: true })), ids([transfers[12], transfers[11]]));
  const upsideDown = { timestamp_min_ns: range.timestamp_max_ns, timestamp_max_ns: range.timestamp_min_ns };
  assert.deepEqual(await history({ ...range, ...upsideDown }), []);
});

test('history is read by side and by what transfers say', async () => {
  const { account, transfers } = await busyAccount();
  const read = async (filter) => ids(await history({ account_id: account.id, ...filter }));
  const where = (wanted) => ids(transfers.filter((_, i) => wanted(i)));
  assert.deepEqual(await read({ debits: false }), where((i) => i % 3 === 2));
  assert.deepEqual(await read({ credits: false }), where((i) => i % 3 !== 2));
  assert.deepEqual(await read({ code: 21 }), where((i) => i % 2 === 1));
  assert.deepEqual(await read({ user_data_32: 4 }), where((i) => i === 4));
  assert.deepEqual(await read({ debits: false, credits: false }), []);
  assert.deepEqual(await read({ limit: 0 }), []);
});

test('an account with history tells its balances after each transfer', async () => {
  const { account, transfers } = await busyAccount(accountFlag.history);
  const filter = { account_id: account.id, debits: true, credits: true, limit: 8_190 };
  const rows = (await node.call('GetAccountBalances', filter)).balances;
  let debits = 0;
  let credits = 0;
  const expected = transfers.map(({ amount }, i) => {
    if (i % 3 === 2) credits += Number(amount);
    else debits += Number(amount);
    return [0, debits, 0, credits];
  });
  assert.deepEqual(rows.map(fourBalances), expected);
  assert.equal(rows[24].timestamp_ns, (await lookupTransfer(transfers[24])).timestamp_ns);
  const newest = (await node.call('GetAccountBalances', { ...filter, limit: 3, reversed: true })).balances;
  assert.deepEqual(newest.map(fourBalances), expected.slice(-3).reverse());
});

test('an account without history tells no balances of the past', async () => {
  const { account } = await busyAccount();
  const filter = { account_id: account.id, debits: true, credits: true, limit: 10 };
  assert.deepEqual((await node.call('GetAccountBalances', filter)).balances, []);
});

test('lookups answer what exists in the order asked', async () => {
  const [first, second] = await accounts({}, {});
  const transfers = [newTransfer(first, second), newTransfer(second, first)];
  await made(...transfers);
  const unknown = { high: '99', low: '99' };
  const found = await node.call('LookupTransfers', { ids: [transfers[1].id, unknown, transfers[0].id] });
  assert.deepEqual(ids(found.transfers), ids([transfers[1], transfers[0]]));
  const owners = await node.call('LookupAccounts', { ids: [second.id, accountId(999_999_999), first.id] });
  assert.deepEqual(ids(owners.accounts), ids([second, first]));
});

test('what was never executed is told by a status that says what to do', async () => {
  const [debit, credit] = await accounts({}, {});
  const invalidArgument = 3;
  const failedPrecondition = 9;
  await assert.rejects(node.call('CreateTransfers', { transfers: [] }), {
    code: invalidArgument,
    details: /at least one event/,
  });
  const tooMany = Array.from({ length: 8_191 }, () => newTransfer(debit, credit));
  await assert.rejects(node.call('CreateTransfers', { transfers: tooMany }), {
    code: invalidArgument,
    details: /at most 8190/,
  });
  const transfer = newTransfer(debit, credit);
  await assert.rejects(node.call('CreateTransfers', { transfers: [transfer], epoch: '2' }), {
    code: failedPrecondition,
  });
  assert.equal(await lookupTransfer(transfer), undefined);
  assert.deepEqual(await balances(debit), [0, 0, 0, 0]);
});
