export { type JobContext, type JobInput, Jobs, type JobsOptions } from './jobs.ts'
export { JobFailed, type JobStatus } from './status.ts'
