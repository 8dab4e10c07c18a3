import type { Command } from 'commander'
import { Mutex, type MutexState } from '../../coordination/index.ts'
import { showKey } from '../../model/keys.ts'
import { duration, fieldsOf } from '../format.ts'
import { type Answer, action, declined, type Host, nothing, type Session } from '../session.ts'

const stateOf = ({ locked, owner }: MutexState): string =>
  locked ? 'held' : owner === undefined ? 'free' : 'lease over, not released'

const leaseOf = ({ owner, remainingMs }: MutexState): string | undefined => {
  if (owner === undefined) return undefined
  return remainingMs === undefined ? 'until it is released' : `another ${duration(remainingMs / 1000)}`
}

async function open(session: Session, pk: string, sk: string) {
  const mutex = new Mutex(await session.db(), { pk, sk }, { ttlMs: null, clockToleranceMs: 0 })
  return { mutex, state: await mutex.peek({ signal: await session.reading() }) }
}

async function show(session: Session, pk: string, sk: string): Promise<Answer> {
  const { state } = await open(session, pk, sk)
  if (state.fencingToken === 0) return nothing(`nobody ever held a mutex at ${showKey({ pk, sk })}`)
  const lines = fieldsOf([
    ['mutex', showKey({ pk, sk })],
    ['state', stateOf(state)],
    ['owner', state.owner],
    ['label', state.label],
    ['held since', state.heldSince === undefined ? undefined : new Date(state.heldSince).toISOString()],
    ['lease', leaseOf(state)],
    ['fencing token', state.fencingToken],
  ])
  return { records: [{ pk, sk, ...state }], lines }
}

async function forceRelease(session: Session, pk: string, sk: string): Promise<Answer> {
  session.requireConsent('force-release takes a mutex away from its holder')
  const name = showKey({ pk, sk })
  const { mutex, state } = await open(session, pk, sk)
  if (state.owner === undefined) return nothing(`nobody holds ${name}: there is nothing to release`)
  const held = `${name} is held by ${state.owner} (${state.locked ? leaseOf(state) : 'its lease is over'})`
  if (!(await session.confirm(`${held}: release it?`))) return declined()
  const now = await mutex.peek({ signal: await session.reading() })
  if (now.owner !== state.owner)
    return nothing(`${name} changed hands meanwhile (now: ${now.owner ?? 'free'}): nothing was done`)
  await mutex.forceRelease({ signal: await session.writing() })
  return {
    records: [{ pk, sk, released: true, owner: state.owner, fencingToken: state.fencingToken }],
    lines: [`released ${name}, which ${state.owner} held`],
  }
}

export function addMutex(program: Command, host: Host): void {
  const mutex = program.command('mutex').description('who holds a mutex')
  mutex
    .command('show')
    .description('owner, lease and fencing token (exit code 1: nobody ever held it)')
    .argument('<pk>')
    .argument('<sk>')
    .action(action(host, show))
  mutex
    .command('force-release')
    .description('free it whoever holds it (exit code 1: nobody does)')
    .argument('<pk>')
    .argument('<sk>')
    .option('-y, --yes', 'do not ask')
    .action(action(host, forceRelease))
}
