import type { AtomicDbInterface, CallOptions } from '../interface.ts'
import type { ContractMethod } from './effects.ts'

/** At which place a method takes the options of every call, by its type. */
type PlaceOf<M extends ContractMethod> = {
  [P in 0 | 1 | 2]: 'signal' extends keyof NonNullable<Parameters<AtomicDbInterface[M]>[P]> ? P : never
}[0 | 1 | 2]

/** Where the options of each method stand among its arguments. The compiler refuses a wrong place. */
export const optionsPlace: { readonly [M in ContractMethod]: PlaceOf<M> } = {
  get: 1,
  getMany: 1,
  getTogether: 1,
  getLock: 1,
  getLocked: 1,
  set: 1,
  setAtomic: 2,
  delete: 1,
  query: 0,
  stream: 0,
  page: 0,
  count: 0,
  deleteRange: 1,
  update: 2,
  transact: 1,
  queuePush: 1,
  queuePull: 0,
  queuePullMany: 0,
  queueAcknowledge: 1,
  queueRelease: 1,
  queueExtend: 1,
  queueCancel: 1,
  queueStats: 1,
  queuePeek: 0,
  queuePurge: 1,
  queueRedrive: 0,
  queuePause: 1,
  queueResume: 1,
}

/** The options of a call with these arguments. Whatever was given there: the database checks it. */
export const optionsOf = (method: ContractMethod, args: readonly unknown[]): CallOptions | undefined =>
  args[optionsPlace[method]] as CallOptions | undefined

/** The same arguments with other options. */
export function withOptions<A extends readonly unknown[]>(
  method: ContractMethod,
  args: A,
  options: CallOptions,
): A {
  const copy: unknown[] = [...args]
  copy[optionsPlace[method]] = options
  return copy as unknown as A
}
