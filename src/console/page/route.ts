/** Where the page is: `#/queues/jobs?tab=dead`. Every view has a link. */
import { createStore } from './store.ts'

export interface Route {
  view: string
  /** What comes behind the view: a queue, or the keys of an item. */
  parts: string[]
  query: Readonly<Record<string, string>>
}

export function parseRoute(hash: string): Route {
  const [path = '', search = ''] = hash.replace(/^#\/?/, '').split('?')
  const [view = '', ...parts] = path.split('/').map(decoded)
  return { view: view || 'queues', parts, query: Object.fromEntries(new URLSearchParams(search)) }
}

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

export function linkTo(
  view: string,
  parts: readonly string[] = [],
  query: Record<string, string> = {},
): string {
  const path = [view, ...parts].map(encodeURIComponent).join('/')
  const given = Object.entries(query).filter(([, value]) => value !== '')
  const search = new URLSearchParams(given).toString()
  return `#/${path}${search === '' ? '' : `?${search}`}`
}

export const route = createStore<Route>(parseRoute(''))

export function followAddress(): void {
  const update = () => route.set(parseRoute(location.hash))
  addEventListener('hashchange', update)
  update()
}

export const go = (link: string): void => {
  location.hash = link
}

/** The same place with other parameters, without a step of the history. */
export function setQuery(changes: Record<string, string>): void {
  const { view, parts, query } = route.get()
  history.replaceState(null, '', linkTo(view, parts, { ...query, ...changes }))
  route.set(parseRoute(location.hash))
}
