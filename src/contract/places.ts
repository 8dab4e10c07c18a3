/**
 * The places inside a type, for `update<User>`, its conditions and `fields`: pairs of a path and the type of its value.
 * They reach five levels deep; below that every path is allowed.
 */

type Primitive = string | number | bigint | boolean | null | undefined

/** Uint8Array, Set and Map have no places inside. The compiler tells them by their tag, which is cheap to compare. */
interface Tagged {
  readonly [Symbol.toStringTag]: string
}

type Special = '.' | '[' | ']' | '\\'

/** A name in a path: special characters stand behind a backslash. */
type Escaped<K extends string> = K extends `${infer First}${infer Rest}`
  ? `${First extends Special ? '\\' : ''}${First}${Escaped<Rest>}`
  : K
type Name<K> = K extends number ? `${K}` : K extends `${string}${Special}${string}` ? Escaped<K> : K & string
type Under<P extends string, K> = P extends '' ? Name<K> : `${P}.${Name<K>}`

// biome-ignore lint/suspicious/noExplicitAny: a place of which the type says nothing takes anything
type Anything = any

type Place<T, P extends string, Depth extends 0[]> =
  | [P, unknown extends T ? Anything : Exclude<T, undefined>]
  | Inside<T, P, Depth>

type Inside<T, P extends string, Depth extends 0[]> = unknown extends T
  ? [`${P}${string}`, Anything]
  : T extends Primitive | Date
    ? never
    : Depth['length'] extends 5
      ? [`${P}${string}`, Anything]
      : T extends readonly (infer E)[]
        ? Place<E, `${P}[${number}]`, [...Depth, 0]>
        : T extends Tagged
          ? never
          : string extends keyof T
            ? [Under<P, string>, T[keyof T] extends Primitive | Tagged ? T[keyof T] : Anything]
            : {
                [K in keyof T & (string | number)]-?: Place<T[K], Under<P, K>, [...Depth, 0]>
              }[keyof T & (string | number)]

/** A path and the type that lies there. */
export type PlaceEntry = readonly [path: string, value: unknown]

/** All places of a type, the whole (path `''`) included. A type that says nothing has every path. */
export type Places<T> = unknown extends T ? [string, Anything] : Place<T, '', []>

/** Whether every path is open. */
export type IsOpen<E extends PlaceEntry> = string extends E[0] ? true : false

/** The paths inside a type: `'name'`, `'address.city'`, `'tags[0]'`; of an unknown type every path. */
export type PathOf<T> = Places<T>[0]
