export { exactlyOnce } from './exactly-once.ts'
export {
  HandlerTimeout,
  type QueueHandler,
  type QueueHandlerContext,
  type QueueHandling,
  type QueueWorkerEvent,
  WorkerStopped,
} from './handling.ts'
export { type LambdaContext, type QueueLambdaOptions, queueLambda } from './lambda.ts'
export { QueueWorker, type QueueWorkerOptions } from './worker.ts'
