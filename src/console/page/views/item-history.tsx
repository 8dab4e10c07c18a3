import { dateText } from '../format.ts'
import { differences } from '../item-differences.ts'
import type { Item } from '../types.ts'

/** An item as it was at a time, epoch ms. */
export interface Version {
  at: number
  item?: Item | undefined
}

const shown = 30

/** What has changed while somebody watched, the newest first. */
export function History({ versions }: { versions: readonly Version[] }) {
  const steps = versions
    .slice(1)
    .map((version, i) => ({ at: version.at, changes: differences(versions[i]!.item, version.item) }))
    .reverse()
  return (
    <section class="stack" aria-label="History">
      <h2>Changes while you watched</h2>
      {steps.slice(0, shown).map(({ at, changes }) => (
        <div key={at} class="small">
          <span class="dim">{dateText(at)}</span>
          {changes.map(({ path, before, after }) => (
            <div key={path} class="mono">
              <span class="k">{path}: </span>
              {before !== undefined && <del>{before}</del>} {after !== undefined && <ins>{after}</ins>}
            </div>
          ))}
        </div>
      ))}
    </section>
  )
}
