// The ledger as the document describes it, with Node and better-sqlite3: look at the row, make or refill
// it where that is due, and take one credit in a transaction of its own; no job, no journal. As durable
// as ours: write-ahead log, synchronous = FULL.
//
// node peer.mjs <database> <tenants> <callers> <debits of each caller>

import Database from "better-sqlite3";

const [file, tenants, callers, each] = [process.argv[2], ...process.argv.slice(3).map(Number)];
const db = new Database(file);
db.pragma("journal_mode = WAL");
db.pragma("synchronous = FULL");
db.exec(`CREATE TABLE tenant_credits (
  user_id TEXT PRIMARY KEY, purchased_balance INTEGER NOT NULL, replenish_balance INTEGER NOT NULL,
  last_replenish_at INTEGER, lifetime_granted INTEGER NOT NULL, lifetime_consumed INTEGER NOT NULL)`);

// Prepared once, which is kinder than preparing at each call.
const look = db.prepare("SELECT * FROM tenant_credits WHERE user_id = ?");
const make = db.prepare("INSERT INTO tenant_credits VALUES (?, 0, ?, ?, ?, 0)");
const reset = db.prepare(
  "UPDATE tenant_credits SET replenish_balance = ?, last_replenish_at = ? WHERE user_id = ?");
const take = {};
for (const bucket of ["replenish", "purchased"]) {
  take[bucket] = db.prepare(`UPDATE tenant_credits SET ${bucket}_balance = ${bucket}_balance - 1,
    lifetime_consumed = lifetime_consumed + 1 WHERE user_id = ?`);
}

const rules = { credits: 1000000, period: "weekly" };
const settings = async () => rules;
const WEEK = 7 * 24 * 3600 * 1000;

async function state(user) {
  const { credits, period } = await settings();
  let row = look.get(user);
  if (!row) {
    make.run(user, credits, Date.now(), credits);
    row = look.get(user);
  }
  if (period === "weekly" && Date.now() >= row.last_replenish_at + WEEK) {
    reset.run(credits, Date.now(), user);
    row = look.get(user);
  }
  return row;
}

const spend = db.transaction((user, row) => {
  const source = row.replenish_balance > 0 ? "replenish" : "purchased";
  take[source].run(user);
  return source;
});

async function debit(user) {
  const row = await state(user);
  if (row.replenish_balance + row.purchased_balance <= 0) return { ok: false };
  const source = spend(user, row);
  const after = look.get(user);
  return { ok: true, total: after.replenish_balance + after.purchased_balance, source };
}

const tenant = (n) => `tenant-${n % tenants}`;
const fill = db.transaction(() => {
  for (let n = 0; n < tenants; n++) make.run(tenant(n), rules.credits, Date.now(), rules.credits);
});
fill();
for (let n = 0; n < 200; n++) await debit(tenant(n));

const micros = [];
const used = process.cpuUsage();
const began = performance.now();
await Promise.all(Array.from({ length: callers }, async (_, caller) => {
  for (let n = 0; n < each; n++) {
    const asked = performance.now();
    // A request comes in by the event loop, behind those that came before it.
    await new Promise(setImmediate);
    await debit(tenant(caller + n * callers));
    micros.push(Math.round((performance.now() - asked) * 1000));
  }
}));
const seconds = (performance.now() - began) / 1000;
const cpu = process.cpuUsage(used);
console.log(JSON.stringify({ seconds, cpu_micros: cpu.user + cpu.system, micros }));
