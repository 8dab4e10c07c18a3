import type { IndexReader, UniqueReader } from './index-reader.ts'
import type { FieldsOption, Within } from './types.ts'

type Names<O> =
  O extends FieldsOption<infer F extends string>
    ? F
    : O extends { key?: FieldsOption<infer F extends string> }
      ? F
      : never
type Sorts<O> = O extends { sort: FieldsOption<infer F extends string> } ? F : never
type RowOf<T, K extends keyof T, O> = O extends { project: readonly (infer P)[] }
  ? Pick<T, K | (P & keyof T)>
  : T

/** Reads by an index of these options. */
export type ReaderOf<T, K extends keyof T, I, U, N> = N extends keyof U
  ? UniqueReader<RowOf<T, K, U[N]>, Within<T, Names<U[N]>>>
  : N extends keyof I
    ? IndexReader<RowOf<T, K, I[N]>, Within<T, Names<I[N]> | Sorts<I[N]> | K>>
    : never
