/**
 * What each method of the contract changes, in one table, for wrappers that keep copies of items or fail calls on
 * purpose. The compiler refuses a method or an operation that is not listed here.
 */
import type {
  AtomicDbInterface,
  AtomicDbItemKey,
  AtomicDbOperation,
  AtomicDbQueuePullOptions,
} from '../interface.ts'
import { deadLetterName } from './key-names.ts'

/** A method of the contract, by its name. */
export type ContractMethod = Exclude<keyof AtomicDbInterface, 'runtime'>

/** What a call may change of what readers of items see. */
export interface Effect {
  /** Rows by their keys. */
  keys: readonly AtomicDbItemKey[]
  /** Partitions of which any row may change; of a queue, with all its shards. */
  partitions?: readonly string[]
  /** Rows that cannot be named beforehand: any row may change. */
  everything?: true
  /** A part of it may take effect after the call was answered: its failure is not told. */
  lingers?: true
}

/**
 * `'reads'`: changes no item and no message. A lock row that is made on the way does not count: no reader of items
 * sees one.
 * A function: what a call with these arguments may change, also when it fails. It never throws, whatever it is given.
 */
export type EffectOf<M extends ContractMethod> =
  | 'reads'
  | ((...args: Parameters<AtomicDbInterface[M]>) => Effect)

export const effects: { readonly [M in ContractMethod]: EffectOf<M> } = {
  get: 'reads',
  getMany: 'reads',
  getTogether: 'reads',
  getLock: 'reads',
  getLocked: 'reads',
  set: (items) => rows(items),
  setAtomic: (items, locks) => rows([...listOf<AtomicDbItemKey>(items), ...listOf<AtomicDbItemKey>(locks)]),
  delete: (keys) => rows(keys),
  query: 'reads',
  stream: 'reads',
  page: 'reads',
  count: 'reads',
  deleteRange: (range) => partitions(range?.pk),
  update: (key) => rows(key),
  transact: (operations) => effectOfAll(operations),
  queuePush(items, options) {
    // A key that the database draws is new: nobody has read it.
    const named = listOf(items).filter((item) => typeof item?.sk === 'string')
    return options?.shards === undefined ? rows(named) : partitions(...named.map((item) => item.pk))
  },
  queuePull: (options) => pull(options),
  queuePullMany: (options) => pull(options),
  queueAcknowledge: (item) => rows(item),
  queueRelease: (item) => rows(item),
  queueExtend: (item) => rows(item),
  // By its id nobody knows the key beforehand.
  queueCancel: (key, options) =>
    (key as { sk?: unknown })?.sk === undefined
      ? { keys: [], everything: true }
      : rows([key as AtomicDbItemKey, ...(options?.set ? [options.set] : [])]),
  queueStats: 'reads',
  queuePeek: 'reads',
  queuePurge: (pk) => (typeof pk === 'string' ? partitions(pk) : { keys: [], everything: true }),
  // Without `to` each message goes back to the queue that it comes from.
  queueRedrive: (options) =>
    options?.to === undefined ? { keys: [], everything: true } : partitions(options.from, options.to),
  queuePause: 'reads',
  queueResume: 'reads',
}

type OfType<T extends AtomicDbOperation['type']> = Extract<AtomicDbOperation, { type: T }>

const operationEffects: { readonly [T in AtomicDbOperation['type']]: (operation: OfType<T>) => Effect } = {
  check: () => rows([]),
  bump: (operation) => rows('key' in operation ? operation.key : operation.lock),
  set: ({ item }) => rows(item),
  setIfAbsent: ({ item }) => rows(item),
  delete: ({ key }) => rows(key),
  update: ({ key }) => rows(key),
  queuePush: ({ item }) => rows(item),
  queueAcknowledge: ({ item }) => rows(item),
}

function effectOfAll(operations: readonly AtomicDbOperation[]): Effect {
  const keys: AtomicDbItemKey[] = []
  for (const operation of listOf(operations)) {
    const type = operation?.type
    if (!Object.hasOwn(operationEffects, type)) return { keys: [], everything: true }
    const effect = operationEffects[type] as (of: AtomicDbOperation) => Effect
    keys.push(...effect(operation).keys)
  }
  return { keys }
}

const listOf = <T>(given: T | readonly T[]): readonly T[] => (Array.isArray(given) ? given : [given as T])

/** The rows among what was given whose keys are texts; what is wrong with the others the database says. */
function rows(given: Partial<AtomicDbItemKey> | readonly Partial<AtomicDbItemKey>[]): Effect {
  const keys: AtomicDbItemKey[] = []
  for (const row of listOf(given)) {
    if (typeof row?.pk === 'string' && typeof row.sk === 'string') keys.push({ pk: row.pk, sk: row.sk })
  }
  return { keys }
}

const partitions = (...names: readonly unknown[]): Effect => ({
  keys: [],
  partitions: names.filter((name) => typeof name === 'string'),
})

/** Messages received too often, or without their payload, move to the dead letters, beside those that are claimed. */
const pull = (options: AtomicDbQueuePullOptions | undefined): Effect => ({
  ...partitions(options?.pk, options?.deadLetter ?? deadLetterName(`${options?.pk}`)),
  lingers: true,
})

/** The names of all methods of the contract. */
export const contractMethods = Object.keys(effects) as ContractMethod[]

export const isContractMethod = (name: unknown): name is ContractMethod =>
  typeof name === 'string' && Object.hasOwn(effects, name)

/** What a call may change; `undefined` when the method only reads. */
export function effectOf<M extends ContractMethod>(
  method: M,
  args: Parameters<AtomicDbInterface[M]>,
): Effect | undefined {
  const effect = effects[method] as EffectOf<M>
  return effect === 'reads' ? undefined : effect(...args)
}
