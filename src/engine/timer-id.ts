import { instanceId } from './derive.ts'

export function timerId(process: string, key: string, timer: string): string {
  return `${instanceId(process, key)}\u001f${timer}`
}
