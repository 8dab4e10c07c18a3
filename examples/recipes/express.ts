import express, { type ErrorRequestHandler, type Express } from 'express'
import type { AtomicDbInterface } from 'lockrow'
import { toHttp } from 'lockrow/recipes'
import { reserve } from './stock.ts'

/** Express 5 passes what a handler rejects with to the error handler, which stands last. */
export function expressApp(db: AtomicDbInterface): Express {
  const app = express()
  app.use(express.json())
  app.post('/articles/:article/reservations', async (request, response) => {
    response.status(201).json(await reserve(db, request.params.article, request.body ?? {}))
  })
  app.use(problems)
  return app
}

const problems: ErrorRequestHandler = (error, _request, response, next) => {
  // Half an answer is sent: Express closes the connection.
  if (response.headersSent) return next(error)
  const { status, headers, body } = toHttp(error)
  response.status(status).set(headers).send(JSON.stringify(body))
}
