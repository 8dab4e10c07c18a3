// For threads: `--import tsx` works in the main thread only.
import { register } from 'tsx/esm/api'

register()
