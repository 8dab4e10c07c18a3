import { change, type Defect } from './defect.ts'

const jobs = 'jobs/jobs.ts'
const state = 'jobs/state.ts'
const status = 'jobs/status.ts'

const plant = (name: string, patches: Defect['patches'], found: RegExp): Defect => ({
  name,
  class: 'jobs',
  patches,
  drill: 'jobs',
  found,
})

export const jobDefects: readonly Defect[] = [
  plant(
    'that a job was cancelled is written after its message is gone',
    [change(jobs, '{ ...options, set })', 'options)\n    if (isCancelled) await this.#db.set(set, options)')],
    /unknown|went back/,
  ),
  plant(
    'the result follows the acknowledgement',
    [
      change(
        jobs,
        "        { type: 'queueAcknowledge', item },\n        { type: 'set', item: done },\n      ])",
        "        { type: 'queueAcknowledge', item },\n      ])\n      await this.#db.set(done)",
      ),
    ],
    /unknown|went back/,
  ),
  plant(
    'a hand-out begins whatever the row says',
    [change(state, 'anyOf<JobState>(absent, isEarlier)', 'undefined as never && isEarlier')],
    /went back|unknown/,
  ),
  plant(
    'a hand-out goes by the clock alone',
    [change(state, 'await this.#write(asSeen ?? absent)\n    return true', 'return asSeen === null')],
    /disowned/,
  ),
  plant(
    'progress is of whoever says it',
    [change(state, "{ if: { state: 'active', receipt: this.#receipt() } }", "{ if: { state: 'active' } }")],
    /wrong progress/,
  ),
  plant(
    'how a job ended is read from a replica',
    [change(status, 'consistent: true', 'consistent: false')],
    /unknown|went back/,
  ),
]
