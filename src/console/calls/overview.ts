/** What the page asks first, and what it asks of this process rather than of the table. */
import type { ConsoleCalls, Given, World } from '../world.ts'

async function about({ db, settings }: World) {
  const { title, where, write, queues, collections, scan, recording, meter, traffic } = settings
  return {
    title,
    where,
    write,
    queues,
    collections: collections.length,
    canScan: scan,
    hasRecording: recording !== undefined,
    hasMeter: meter?.isUsed === true || traffic !== undefined,
    at: db.runtime.now(),
  }
}

async function transactions({ db, settings }: World, given: Given) {
  const after = Number(given.after ?? 0)
  const calls = settings.recording?.calls(Number.isFinite(after) ? after : 0) ?? []
  return { calls: calls.slice(-500), known: settings.recording !== undefined, at: db.runtime.now() }
}

async function cost({ db, settings: { meter, traffic } }: World) {
  const told = (one: typeof meter) => one?.isUsed && { all: one.all, totals: one.totals }
  return { console: told(meter), traffic: told(traffic), at: db.runtime.now() }
}

export const overviewCalls: ConsoleCalls = {
  about: { isLocal: true, run: about },
  'transaction.list': { isLocal: true, run: transactions },
  'cost.show': { isLocal: true, run: cost },
}
