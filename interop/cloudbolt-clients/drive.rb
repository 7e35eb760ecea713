# Drives the vendor's gem through what it has calls for, and prints what it was told, as JSON on the last line.
require 'json'
require 'cloudbolt'

host, port, password = ENV.values_at('HOST', 'PORT', 'PASSWORD')
told = {}

begin
  CloudboltAPI::Cloudbolt.new('http', host, port, 'admin', 'not the password')
rescue CloudboltAPI::TokenRetrievalError => e
  told['wrong password'] = e.message
end

client = CloudboltAPI::Cloudbolt.new('http', host, port, 'admin', password)
group = ENV['GROUP']
item = lambda do |parameters|
  [{
    'blueprint' => ENV['BLUEPRINT'],
    'blueprint-items-arguments' => {
      'build-item-Server' => {
        'environment' => ENV['ENVIRONMENT'],
        'attributes' => { 'quantity' => 1, 'hostname' => 'of-the-gem' },
        'parameters' => parameters
      }
    }
  }]
end

begin
  client.order_blueprint(group, item.call('no-such-parameter' => '1'), false)
rescue CloudboltAPI::OrderSubmissionError => e
  told['refused'] = e.message
end

ordered = client.order_blueprint(group, item.call('mem-size' => '1 GB'), true, 1)
told['ordered'] = ordered
order_id = ordered['_links']['self']['title'][/\d+/]
told['order'] = client.get_order(order_id).parsed_response
server = client.get_server_from_order(order_id)
told['found'] = server
whole = client.get_server(server[:id]).parsed_response
told['server'] = whole
told['decommissioned'] = client.decom_blueprint(
  group,
  [{ 'environment' => whole['_links']['environment']['href'], 'servers' => [whole['_links']['self']['href']] }],
  true, 1
)
told['gone'] = client.get_server(server[:id]).parsed_response
puts JSON.generate(told)
