import { type AddressInfo, createServer, connect as dial, type Server, type Socket } from 'node:net'

/** A network cable between a hub and a target: passes bytes on, and breaks where it hurts most when told to. */
export interface Cable {
  /** Instead of the target's own address. */
  readonly url: string
  /** Cuts the connection of the next `POST path` when the target begins to answer: what it did is done, nobody hears of it. */
  cutNextAnswer(path: string, onCut: () => void): void
  close(): Promise<void>
}

interface Cut {
  readonly start: string
  readonly onCut: () => void
}

export async function openCable(targetUrl: string): Promise<Cable> {
  const target = new URL(targetUrl)
  const sockets = new Set<Socket>()
  let armed: Cut | null = null
  const pair = (near: Socket): void => {
    const far = dial(Number(target.port), target.hostname)
    let doomed: Cut | null = null
    const end = (): void => {
      near.destroy()
      far.destroy()
    }
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', end).on('close', () => {
        sockets.delete(socket)
        end()
      })
    }
    near.on('data', (bytes: Buffer) => {
      if (armed !== null && bytes.toString('latin1').startsWith(armed.start)) {
        doomed = armed
        armed = null
      }
      far.write(bytes)
    })
    far.on('data', (bytes: Buffer) => {
      if (doomed === null) {
        near.write(bytes)
        return
      }
      end()
      doomed.onCut()
    })
  }
  const server = createServer(pair)
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cutNextAnswer: (path, onCut) => {
      armed = { start: `POST ${path} `, onCut }
    },
    close: () => closeCable(server, sockets),
  }
}

function closeCable(server: Server, sockets: ReadonlySet<Socket>): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    for (const socket of sockets) socket.destroy()
  })
}
