import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net'
import { describe, type TestContext, test } from 'node:test'
import { createHttpClient } from '../../src/upload/http-client.ts'
import { createHttpThread } from '../../src/upload/http-thread.ts'
import { isLoopback } from '../../src/upload/loopback.ts'
import { startProxy } from './proxy-server.ts'
import { startScripted } from './scripted-server.ts'

async function listen(t: TestContext, server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Answers byte by byte, and never comes to an end; `everyMs` 0 for as much as is taken. */
async function startDribbling(t: TestContext, { everyMs = 20, head = false }): Promise<string> {
  const dribble = (socket: Socket) => {
    if (!head) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n')
    else socket.write('HTTP/1.1 200 OK\r\nx: ')
    const write = () => socket.write(everyMs === 0 ? Buffer.alloc(1 << 16, 'x') : 'x')
    if (everyMs === 0) write()
    if (everyMs === 0) return void socket.on('drain', write)
    const timer = setInterval(write, everyMs)
    socket.on('close', () => clearInterval(timer))
  }
  const server = createTcpServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => dribble(socket))
    t.after(() => socket.destroy())
  })
  return listen(t, server)
}

const BODY = Buffer.from('{"events":[]}')

for (const [place, create] of [
  ['this thread', createHttpClient],
  ['a thread of its own', createHttpThread],
] as const) {
  describe(`a client in ${place}`, () => {
    function clientOf(t: TestContext, url: string, more: object = {}) {
      const options = { url: new URL(url), connections: 2, gzip: false, version: 'test', proxy: null, ...more }
      const client = create(options)
      t.after(() => client.close())
      return client
    }

    test('an answer comes with its status, text and headers; bodies of errors are read too', async (t) => {
      const server = await startScripted(t, () => ({
        status: 503,
        body: 'x'.repeat(100_000),
        headers: { 'retry-after': '3' },
      }))
      const client = clientOf(t, server.url)
      for (let round = 0; round < 5; round++) {
        const answer = await client.post(BODY)
        assert.ok(answer.is === 'response')
        assert.deepEqual([answer.status, answer.text.length, answer.retryAfter], [503, 100_000, '3'])
      }
    })

    test('connections are kept alive', async (t) => {
      let connections = 0
      const server = createServer((request, response) => request.resume().on('end', () => response.end('{}')))
      server.on('connection', () => connections++)
      const client = clientOf(t, await listen(t, server), { connections: 1 })
      for (let round = 0; round < 5; round++) await client.post(BODY)
      assert.equal(connections, 1)
    })

    test('a redirect is an answer like any other', async (t) => {
      const server = await startScripted(t, () => ({ status: 307, body: '', headers: { location: '/elsewhere' } }))
      const answer = await clientOf(t, server.url).post(BODY)
      assert.ok(answer.is === 'response')
      assert.deepEqual([answer.status, answer.location, server.requests.length], [307, '/elsewhere', 1])
    })

    test('of an endless answer only the beginning is kept', async (t) => {
      const server = createServer((request, response) => {
        request.resume().on('end', () => response.end(Buffer.alloc(9 << 20, 'x')))
      })
      const answer = await clientOf(t, await listen(t, server)).post(BODY)
      assert.ok(answer.is === 'response')
      assert.equal(answer.text.length, 4 << 20)
    })

    for (const [name, kind, serve] of [
      ['no answer', 'timeout', () => {}],
      ['an answer that stops in the middle', 'timeout', 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf'],
      ['a closed connection', 'network', null],
      ['a cut body', 'network', 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf!'],
      ['something that is not HTTP', 'network', 'SSH-2.0-x\r\n'],
    ] as const) {
      test(`${name} is a failure, not an exception`, async (t) => {
        const server = createTcpServer((socket) => {
          socket.on('error', () => {})
          socket.on('data', () => {
            if (serve === null) socket.resetAndDestroy()
            else if (typeof serve === 'string') {
              socket.write(serve)
              if (serve.endsWith('!')) socket.end()
            }
          })
          t.after(() => socket.destroy())
        })
        const answer = await clientOf(t, await listen(t, server), { timeoutMs: 100 }).post(BODY)
        assert.ok(answer.is === 'failure')
        assert.equal(answer.kind, kind, answer.message)
      })
    }

    for (const [name, more] of [
      ['an answer that dribbles', {}],
      ['an answer whose head dribbles', { head: true }],
      ['an answer without end', { everyMs: 0 }],
    ] as const) {
      test(`${name} ends at the deadline, as a timeout`, async (t) => {
        const url = await startDribbling(t, more)
        const answer = await clientOf(t, url, { timeoutMs: 600_000, deadlineMs: 300 }).post(BODY)
        assert.ok(answer.is === 'failure')
        assert.equal(answer.kind, 'timeout', answer.message)
      })
    }

    test('a body on a slow line has its own time', async (t) => {
      // Read so slowly that the deadline and the timeout alone would not do.
      const server = createTcpServer((socket) => {
        socket.on('error', () => {})
        t.after(() => socket.destroy())
        let length = 0
        socket.on('data', (piece) => {
          length += piece.length
          socket.pause()
          setTimeout(() => socket.resume(), 1)
          if (length > 1 << 20) setTimeout(() => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}'), 1500)
        })
      })
      const client = clientOf(t, await listen(t, server), { timeoutMs: 1000, deadlineMs: 1000 })
      const answer = await client.post(Buffer.alloc(1 << 20, ' '))
      assert.equal(answer.is, 'response', JSON.stringify(answer))
    })

    test('a proxy is used, and is told user and password', async (t) => {
      const server = await startScripted(t, () => ({ status: 200, body: { code: 200 } }))
      const proxy = await startProxy(t, 'tunnel')
      const client = clientOf(t, `http://somewhere.test:${new URL(server.url).port}`, {
        connections: 1,
        proxy: { variable: 'HTTPS_PROXY', url: proxy.url, authorization: 'Basic dTpw' },
      })
      for (let round = 0; round < 3; round++) assert.equal((await client.post(BODY)).is, 'response')
      assert.deepEqual(proxy.connects, [`somewhere.test:${new URL(server.url).port} Basic dTpw`])
      assert.equal(server.requests.length, 3)
    })

    test('a body in shared memory arrives, compressed or not', async (t) => {
      const server = await startScripted(t, () => ({ status: 200, body: { code: 200 } }))
      const memory = Buffer.from(new SharedArrayBuffer(10_000)).fill(' ')
      memory.write('{"events":[{"user_id":"u","insert_id":"a"}]}')
      for (const gzip of [false, true]) {
        const answer = await clientOf(t, server.url, { gzip }).post(memory)
        assert.equal(answer.is, 'response')
      }
      assert.deepEqual(
        server.requests.map(({ events }) => events.map(({ insert_id }) => insert_id)),
        [['a'], ['a']],
      )
    })

    test('a request that is under way when the client is closed is a failure', async (t) => {
      const server = createTcpServer((socket) => {
        socket.on('error', () => {})
        t.after(() => socket.destroy())
      })
      const client = clientOf(t, await listen(t, server))
      const answer = client.post(BODY)
      await client.close()
      assert.equal((await answer).is, 'failure')
    })
  })
}

for (const [behaviour, kind, message] of [
  ['fin', 'network', /HTTPS_PROXY/],
  ['reset', 'network', /HTTPS_PROXY/],
  ['half', 'network', /HTTPS_PROXY/],
  ['garbage', 'network', /HTTPS_PROXY/],
  ['refuse', 'network', /HTTPS_PROXY.*403/],
  ['authenticate', 'network', /HTTPS_PROXY.*407/],
  ['tunnel to nowhere', 'network', /./],
  ['silent', 'timeout', /HTTPS_PROXY/],
  ['dribble', 'timeout', /HTTPS_PROXY/],
] as const) {
  for (const scheme of ['http', 'https']) {
    test(`${scheme} through a proxy that does "${behaviour}" is one failure after one CONNECT`, async (t) => {
      const proxy = await startProxy(t, behaviour)
      const client = createHttpClient({
        url: new URL(`${scheme}://somewhere.test`),
        connections: 2,
        gzip: false,
        version: 'test',
        proxy: { variable: 'HTTPS_PROXY', url: proxy.url, authorization: null },
        timeoutMs: 300,
      })
      t.after(() => client.close())
      const answer = await client.post(BODY)
      assert.ok(answer.is === 'failure')
      assert.equal(answer.kind, kind, answer.message)
      assert.match(answer.message, message)
      assert.equal(answer.remedy !== undefined, behaviour === 'authenticate')
      assert.equal(proxy.connects.length, 1)
    })
  }
}

test('when the thread ends in an error, what waits for it, and all that comes, is rejected', async (t) => {
  const client = createHttpThread({
    url: new URL('http://127.0.0.1:9'),
    connections: -1,
    gzip: false,
    version: 'test',
    proxy: null,
  })
  t.after(() => client.close())
  await assert.rejects(client.post(BODY), /connections/)
  await assert.rejects(client.post(BODY), /connections/)
})

test('loopback is this machine, and nothing that only looks like it', () => {
  for (const host of ['localhost', '127.0.0.1', '127.8.9.1', '[::1]', 'x.localhost']) assert.ok(isLoopback(host), host)
  for (const host of ['127.0.0.1.evil.com', 'localhost.evil.com', '10.0.0.1', '[::2]', '0.0.0.0', '128.0.0.1'])
    assert.ok(!isLoopback(host), host)
})
