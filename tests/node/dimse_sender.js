// Sends with dcmjs-dimse: a C-ECHO, and a C-STORE of each file named; prints the statuses as JSON.
// Arguments: host, port, called AE title, files. dcmjs writes a data set anew and leaves out what it has no name
// for, so each file is first made to be what it writes.
import dimse from 'dcmjs-dimse'

const [host, port, calledAeTitle, ...files] = process.argv.slice(2)
const { Client, Dataset, log, requests } = dimse
const statuses = []
const client = new Client()

const add = (request) => {
  request.on('response', (response) => statuses.push(response.getStatus()))
  client.addRequest(request)
}

log.setLevel('error')
add(new requests.CEchoRequest())
for (const file of files) {
  Dataset.fromFile(file).toFile(file)
  add(new requests.CStoreRequest(file))
}
client.on('networkError', (error) => { throw error })
client.on('closed', () => console.log(JSON.stringify(statuses)))
client.send(host, Number(port), 'DCMJS-DIMSE', calledAeTitle)
