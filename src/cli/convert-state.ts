/** Where a conversion goes on after it was stopped: a small file that is written after every page. */
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import type { AtomicDbItemKey } from '../interface.ts'
import { Refusal } from './failures.ts'

/** What was done so far. */
export interface ConvertCounts {
  scanned: number
  converted: number
  /** Those of them that were compressed. */
  compressed: number
  /** Rows that somebody wrote meanwhile; the next run finds them. */
  changed: number
  messages: number
  foreign: number
  other: number
  refused: number
}

export const noCounts = (): ConvertCounts => ({
  scanned: 0,
  converted: 0,
  compressed: 0,
  changed: 0,
  messages: 0,
  foreign: 0,
  other: 0,
  refused: 0,
})

export interface ConvertState {
  table: string
  where: string
  prefix?: string | undefined
  after: AtomicDbItemKey
  counts: ConvertCounts
}

/** The state of the run before, if there was one for the same work. */
export async function readState(
  file: string,
  work: Pick<ConvertState, 'table' | 'where' | 'prefix'>,
): Promise<ConvertState | undefined> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw new Refusal(`cannot read '${file}' (${error.code}): give another --state`, { cause: error })
  })
  if (text === undefined) return undefined
  const state = parsed(text)
  if (!state) throw new Refusal(`'${file}' is not the state of a conversion: give another --state`)
  for (const name of ['table', 'where', 'prefix'] as const)
    if (state[name] !== work[name])
      throw new Refusal(
        `'${file}' is of another conversion (${name} '${state[name] ?? ''}'): delete it, or give another --state`,
      )
  return state
}

function parsed(text: string): ConvertState | undefined {
  try {
    const state = JSON.parse(text) as ConvertState
    const isState = typeof state.after?.pk === 'string' && typeof state.after.sk === 'string'
    const counts = Object.keys(noCounts()) as (keyof ConvertCounts)[]
    return isState && counts.every((name) => Number.isSafeInteger(state.counts?.[name])) ? state : undefined
  } catch {
    return undefined
  }
}

/** In one step, or a kill in the middle would leave half of it. */
export async function writeState(file: string, state: ConvertState): Promise<void> {
  const fresh = `${file}.new`
  try {
    await writeFile(fresh, `${JSON.stringify(state)}\n`)
    await rename(fresh, file)
  } catch (error) {
    throw new Refusal(
      `cannot write '${file}' (${(error as { code?: string }).code}): give another --state, the same command then goes on`,
      { cause: error },
    )
  }
}

export const removeState = (file: string): Promise<void> => rm(file, { force: true })
