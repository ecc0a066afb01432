import type { ChildProcess } from 'node:child_process'

/** Questions and answers between the bench and its child processes, over the IPC channel Node opens for a forked child. */
interface Question {
  readonly ask: string
  readonly id: number
  readonly input: unknown
}
interface Answer {
  readonly answer: number
  readonly output: unknown
}
interface News {
  readonly news: string
  readonly value: unknown
}

const isQuestion = (message: unknown): message is Question => typeof message === 'object' && message !== null && 'ask' in message
const isAnswer = (message: unknown): message is Answer => typeof message === 'object' && message !== null && 'answer' in message
const isNews = (message: unknown): message is News => typeof message === 'object' && message !== null && 'news' in message

/** Child side: answers questions by name. The child ends when the bench goes away. */
export function answerBench(handlers: Readonly<Record<string, (input: never) => unknown>>): void {
  process.on('message', (message) => {
    if (!isQuestion(message)) return
    const handler = handlers[message.ask]
    if (handler === undefined) throw new Error(`the bench asked for "${message.ask}", which this process does not know`)
    void Promise.resolve(handler(message.input as never)).then((output) => process.send?.({ answer: message.id, output: output ?? null }))
  })
  process.on('disconnect', () => process.exit(0))
}

/** Child side: tells the bench something nobody asked for. */
export function tellBench(news: string, value: unknown): void {
  process.send?.({ news, value })
}

export interface Peer {
  ask<T>(question: string, input?: unknown): Promise<T>
  /** Only the newest listener per name is kept. */
  onNews(news: string, listener: (value: unknown) => void): void
}

/** Bench side. Questions still open when the child ends are rejected. */
export function createPeer(child: ChildProcess): Peer {
  const open = new Map<number, { resolve: (output: never) => void; reject: (error: Error) => void }>()
  const listeners = new Map<string, (value: unknown) => void>()
  let next = 0
  child.on('message', (message) => {
    if (isNews(message)) listeners.get(message.news)?.(message.value)
    if (!isAnswer(message)) return
    open.get(message.answer)?.resolve(message.output as never)
    open.delete(message.answer)
  })
  child.on('exit', () => {
    for (const waiting of open.values()) waiting.reject(new Error(`process ${child.pid} ended before it answered`))
    open.clear()
  })
  return {
    ask<T>(question: string, input: unknown = null): Promise<T> {
      next += 1
      const id = next
      return new Promise<T>((resolve, reject) => {
        open.set(id, { resolve: resolve as (output: never) => void, reject })
        child.send({ ask: question, id, input }, (error) => {
          if (error !== null && open.delete(id)) reject(error)
        })
      })
    },
    onNews(news, listener) {
      listeners.set(news, listener)
    },
  }
}
