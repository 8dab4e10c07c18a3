/** `Liveness` with the option `thread` is for processes whose event loop is blocked. */
export class Worker {
  constructor() {
    throw new Error('there are no threads of Node in a browser: use Liveness without the option thread')
  }
}
