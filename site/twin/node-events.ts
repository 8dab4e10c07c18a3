/** Node warns of many listeners on one signal, and is told not to. A browser never does. */
export const setMaxListeners = (): void => {}
