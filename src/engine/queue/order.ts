import { compareText, utf8Order } from '../../model/values.ts'

/** Whether `sk` comes after `than` in its partition; `undefined` and '' are the start. */
export const isBeyond = (sk: string, than: string | undefined): boolean =>
  than === undefined || than === '' || utf8Order(sk) > utf8Order(than)

export const bySk = (a: { sk: string }, b: { sk: string }): number => compareText(a.sk, b.sk)
