export { exactlyOnce } from './exactly-once.ts'
export { type LambdaContext, type QueueLambdaOptions, queueLambda } from './lambda.ts'
export {
  HandlerTimeout,
  type QueueHandler,
  type QueueHandlerContext,
  type QueueHandling,
  QueueWorker,
  type QueueWorkerEvent,
  type QueueWorkerOptions,
  WorkerStopped,
} from './worker.ts'
