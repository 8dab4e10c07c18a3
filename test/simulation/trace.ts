import type { HistoryEvent } from '../checkers/history.ts'
import type { Finding } from './judge.ts'

export interface TraceLine {
  at: number
  text: string
}

const value = (given: unknown): string => (given === undefined ? '' : ` ${JSON.stringify(given)}`)

const line = ({ id, client, type, op, key, value: given, at }: HistoryEvent): TraceLine => ({
  at,
  text: `${String(client).padEnd(8)} ${type.padEnd(6)} ${op} ${key ?? ''}${value(given)}  #${id}`,
})

/** What happened around a finding: events and faults, those of its key where that is known. */
export function around(
  finding: Finding,
  events: readonly HistoryEvent[],
  faults: readonly TraceLine[],
  lines = 40,
): string[] {
  const { key, at } = finding
  const mine = key === undefined ? events : events.filter((event) => event.key === key)
  const hurt = key === undefined ? faults : faults.filter(({ text }) => text.includes(key))
  const all = [...mine.map(line), ...hurt.map((one) => ({ ...one, text: `  ! ${one.text}` }))]
  all.sort((a, b) => a.at - b.at)
  const index = at === undefined ? all.length : all.findIndex((one) => one.at >= at)
  const middle = index < 0 ? all.length : index
  const from = Math.max(0, middle - Math.floor((lines * 3) / 4))
  return all.slice(from, from + lines).map((one) => `${one.at.toFixed(1).padStart(10)}  ${one.text}`)
}
