import { expect, test } from 'vitest'
import { errorFromText, textOfError } from '../../src/coordination/heartbeat-messages.ts'

test('an error crosses to another thread with name, message and stack', () => {
  const error = Object.assign(new TypeError('no table'), { code: 7 })
  const back = errorFromText(structuredClone(textOfError(error)))
  expect(back).toBeInstanceOf(Error)
  expect([back.name, back.message, back.stack]).toEqual(['TypeError', 'no table', error.stack])
})

test('what is thrown without being an error becomes its text', () => {
  expect(textOfError('boom')).toEqual({ name: 'Error', message: 'boom' })
  expect(errorFromText({ name: 'Error', message: 'boom' }).stack).toContain('boom')
})
