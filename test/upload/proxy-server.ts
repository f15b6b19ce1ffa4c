import { type AddressInfo, connect, createServer } from 'node:net'

/** What a proxy does with CONNECT. */
type Behaviour =
  | 'tunnel'
  /** Says yes, and hangs up. */
  | 'tunnel to nowhere'
  | 'fin'
  | 'reset'
  | 'half'
  | 'garbage'
  | 'refuse'
  | 'authenticate'
  | 'silent'
  | 'dribble'

interface ProxyServer {
  readonly url: string
  readonly port: number
  /** Where each CONNECT asked to go, and what it said for authorization. */
  readonly connects: readonly string[]
}

const ANSWERS: Readonly<Partial<Record<Behaviour, string>>> = {
  'tunnel to nowhere': 'HTTP/1.1 200 OK\r\n\r\n',
  fin: '',
  half: 'HTTP/1.1 200 O',
  garbage: 'SSH-2.0-x\r\n',
  refuse: 'HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno',
  authenticate: 'HTTP/1.1 407 Proxy Authentication Required\r\nproxy-authenticate: Basic\r\ncontent-length: 0\r\n\r\n',
}

/** A proxy on loopback. Whatever host it is asked for, its tunnels lead to the port on this machine. It ends with its test. */
export async function startProxy(
  t: { readonly after: (end: () => void) => void },
  behaviour: Behaviour,
): Promise<ProxyServer> {
  const connects: string[] = []
  const server = createServer((socket) => {
    socket.on('error', () => {})
    t.after(() => socket.destroy())
    socket.once('data', (head) => {
      const [, authority = '?'] = /^CONNECT (\S+) /.exec(head.toString()) ?? []
      const [, authorization] = /^proxy-authorization: (.*)$/im.exec(head.toString()) ?? []
      connects.push(authorization === undefined ? authority : `${authority} ${authorization}`)
      const answer = ANSWERS[behaviour]
      if (answer !== undefined) socket.end(answer)
      if (behaviour === 'reset') socket.resetAndDestroy()
      if (behaviour === 'dribble') {
        socket.write('HTTP/1.1 200 OK\r\nx: ')
        const timer = setInterval(() => socket.write('x'), 20)
        socket.on('close', () => clearInterval(timer))
      }
      if (behaviour !== 'tunnel') return
      const target = connect(Number(authority.split(':').at(-1)), '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n')
      })
      target.on('error', () => socket.destroy())
      t.after(() => target.destroy())
      target.pipe(socket).pipe(target)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, port, connects }
}
