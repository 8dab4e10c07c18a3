import { useEffect, useState } from 'preact/hooks'
import { call } from '../api.ts'
import { linkTo } from '../route.ts'

interface Described {
  name: string
  /** A table of Markdown: access pattern, call, key, reads. */
  patterns: string
}

/** The rows of a table of Markdown, without its head. */
export const cellsOf = (table: string): string[][] =>
  table
    .split('\n')
    .slice(2)
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim().replaceAll('`', '')),
    )

/** Collections and their indexes, as the application has given them. It reads nothing. */
export function Collections() {
  const [found, setFound] = useState<Described[]>([])
  useEffect(() => {
    call<{ collections: Described[] }>('item.collections')
      .then(({ value }) => setFound(value.collections))
      .catch(() => {})
  }, [])
  return (
    <>
      {found.map(({ name, patterns }) => (
        <section class="panel" key={name} aria-label={`Collection ${name}`}>
          <header>
            <h2 class="grow">Collection {name}</h2>
            <a href={linkTo('items', [name])}>its items</a>
          </header>
          <div class="scroll" tabIndex={0}>
            <table>
              <thead>
                <tr>
                  <th>Access pattern</th>
                  <th>Call</th>
                  <th>Key</th>
                  <th>Reads</th>
                </tr>
              </thead>
              <tbody>
                {cellsOf(patterns).map(([pattern, call, key, reads]) => (
                  <tr key={call}>
                    <td>{pattern}</td>
                    <td>
                      <code>{call}</code>
                    </td>
                    <td>
                      <code>{key}</code>
                    </td>
                    <td class="dim">{reads}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </section>
      ))}
    </>
  )
}
