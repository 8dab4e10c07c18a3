import 'reflect-metadata'
import {
  type ArgumentsHost,
  Body,
  Catch,
  Controller,
  type DynamicModule,
  type ExceptionFilter,
  HttpCode,
  Inject,
  Module,
  Param,
  Post,
} from '@nestjs/common'
import { APP_FILTER } from '@nestjs/core'
import type { Response } from 'express'
import { AtomicDbError, type AtomicDbInterface } from 'lockrow'
import { toHttp } from 'lockrow/recipes'
import { reserve } from './stock.ts'

/** The token of the provider: `constructor(@Inject(DATABASE) db: AtomicDbInterface)`. */
export const DATABASE = Symbol('lockrow')

/** Errors of lockrow become answers; all others stay with Nest. */
class ProblemFilter implements ExceptionFilter<AtomicDbError> {
  catch(error: AtomicDbError, host: ArgumentsHost): void {
    const { status, headers, body } = toHttp(error)
    host.switchToHttp().getResponse<Response>().status(status).set(headers).send(JSON.stringify(body))
  }
}
Catch(AtomicDbError)(ProblemFilter)

class LockrowModule {}
Module({})(LockrowModule)

/** One database for the whole application, and the filter for its errors. */
export const lockrowModule = (db: AtomicDbInterface): DynamicModule => ({
  module: LockrowModule,
  global: true,
  providers: [
    { provide: DATABASE, useValue: db },
    { provide: APP_FILTER, useClass: ProblemFilter },
  ],
  exports: [DATABASE],
})

class ReservationsController {
  readonly #db: AtomicDbInterface

  constructor(db: AtomicDbInterface) {
    this.#db = db
  }

  place(article: string, body: Record<string, unknown>): Promise<{ left: number }> {
    return reserve(this.#db, article, body)
  }
}
// By calls, as this repository compiles without the flag experimentalDecorators; in yours: @Controller(...), @Post(), ...
Controller('articles/:article/reservations')(ReservationsController)
Inject(DATABASE)(ReservationsController, undefined, 0)
const place = Object.getOwnPropertyDescriptor(ReservationsController.prototype, 'place')!
Post()(ReservationsController.prototype, 'place', place)
HttpCode(201)(ReservationsController.prototype, 'place', place)
Param('article')(ReservationsController.prototype, 'place', 0)
Body()(ReservationsController.prototype, 'place', 1)

/** The module of the application. */
export const appModule = (db: AtomicDbInterface): DynamicModule => ({
  module: class AppModule {},
  imports: [lockrowModule(db)],
  controllers: [ReservationsController],
})
