# Debian's ruby-stomp, reliable. See README.md.

require 'json'
require 'stomp'

host, port, name = ARGV
$errors = []
$connects = 0
$ending = false

# What the library tells its logger.
class Ear < Stomp::NullLogger
  def on_connecting(_parms); $connects += 1; end
  def on_connectfail(parms); $errors << "connect fail #{parms[:cur_conattempts]}"; end
  def on_miscerr(_parms, text); $errors << "miscerr #{text}" unless $ending; end
  def on_hbread_fail(_parms, ticker); $errors << 'heart-beat read fail' unless $ending; end
  def on_hbwrite_fail(_parms, ticker); $errors << 'heart-beat write fail' unless $ending; end
end

client = Stomp::Client.new(
  hosts: [{ login: 'guest', passcode: 'guest', host: host, port: port.to_i, ssl: false }],
  connect_headers: { 'accept-version' => '1.2', 'host' => '/', 'heart-beat' => '1000,1000' },
  reliable: true, initial_reconnect_delay: 0.01, max_reconnect_attempts: 50, logger: Ear.new
)
topic, queue, confirmed = [], [], 0
client.subscribe("/topic/#{name}", 'id' => 't', 'ack' => 'auto') do |message|
  message.command == 'ERROR' ? $errors << message.headers['message'] : topic << message.body.to_i
end
client.subscribe("/queue/#{name}", 'id' => 'q', 'ack' => 'client-individual') do |message|
  queue << message.body.to_i
  client.acknowledge(message, 'id' => message.headers['ack'])
end
sent = 0
until IO.select([$stdin], nil, nil, 0.005)
  sent += 1
  client.publish(sent.odd? ? "/topic/#{name}" : "/queue/#{name}", sent.to_s) { |_receipt| confirmed += 1 }
  limit = Time.now + 20
  sleep 0.001 while confirmed < sent && Time.now < limit
end
limit = Time.now + 20
sleep 0.02 while topic.size + queue.size < sent && Time.now < limit
$ending = true
client.close
puts JSON.generate(sent: sent, confirmed: confirmed, topic: topic, queue: queue, reconnects: $connects - 1,
                   errors: $errors)
