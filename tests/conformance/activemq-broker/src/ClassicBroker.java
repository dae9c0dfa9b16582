// ActiveMQ Classic in a folder of its own, as a test wants it, on loopback only.
//
// Arguments are KEY=VALUE: name, data (a folder), stomp and http (ports), ws (a port, where
// activemq-http is on the class path), user (NAME:PASSWORD:GROUP, any number), permit
// (DESTINATIONS:READ:WRITE:ADMIN, any number, each a group or *), limit (how many messages wait for
// a slow subscriber of a topic; 1000 as in the activemq.xml that ActiveMQ comes with, -1 for all).
//
// GET /destinations on the http port: one line for each queue and topic, "queue NAME size consumers".

import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.apache.activemq.broker.BrokerPlugin;
import org.apache.activemq.broker.BrokerService;
import org.apache.activemq.broker.region.Destination;
import org.apache.activemq.broker.region.policy.ConstantPendingMessageLimitStrategy;
import org.apache.activemq.broker.region.policy.PolicyEntry;
import org.apache.activemq.broker.region.policy.PolicyMap;
import org.apache.activemq.command.ActiveMQDestination;
import org.apache.activemq.security.AuthenticationUser;
import org.apache.activemq.security.AuthorizationEntry;
import org.apache.activemq.security.AuthorizationPlugin;
import org.apache.activemq.security.DefaultAuthorizationMap;
import org.apache.activemq.security.SimpleAuthenticationPlugin;
import org.apache.activemq.security.TempDestinationAuthorizationEntry;

public final class ClassicBroker {
    private static final Map<String, List<String>> arguments = new HashMap<>();

    private static String one(String key, String otherwise) {
        List<String> values = arguments.get(key);
        return values == null ? otherwise : values.get(0);
    }

    private static List<String> all(String key) {
        return arguments.getOrDefault(key, List.of());
    }

    private static BrokerPlugin[] security() throws Exception {
        List<AuthenticationUser> users = new ArrayList<>();
        for (String user : all("user")) {
            String[] parts = user.split(":");
            users.add(new AuthenticationUser(parts[0], parts[1], parts[2]));
        }
        if (users.isEmpty())
            return new BrokerPlugin[0];
        BrokerPlugin login = new SimpleAuthenticationPlugin(users);
        if (all("permit").isEmpty())
            return new BrokerPlugin[] {login};
        List<org.apache.activemq.filter.DestinationMapEntry> entries = new ArrayList<>();
        for (String permit : all("permit")) {
            String[] parts = permit.split(":");
            for (String kind : List.of("queue", "topic")) {
                AuthorizationEntry entry = new AuthorizationEntry();
                if (kind.equals("queue"))
                    entry.setQueue(parts[0]);
                else
                    entry.setTopic(parts[0]);
                rights(entry, parts);
                entries.add(entry);
            }
        }
        DefaultAuthorizationMap map = new DefaultAuthorizationMap(entries);
        TempDestinationAuthorizationEntry temporary = new TempDestinationAuthorizationEntry();
        rights(temporary, new String[] {"", "users", "users", "users"});
        map.setTempDestinationAuthorizationEntry(temporary);
        return new BrokerPlugin[] {login, new AuthorizationPlugin(map)};
    }

    private static void rights(AuthorizationEntry entry, String[] parts) throws Exception {
        entry.setRead(parts[1]);
        entry.setWrite(parts[2]);
        entry.setAdmin(parts[3]);
    }

    private static PolicyMap policies() {
        int limit = Integer.parseInt(one("limit", "1000"));
        PolicyEntry topics = new PolicyEntry();
        topics.setTopic(">");
        if (limit >= 0) {
            ConstantPendingMessageLimitStrategy strategy = new ConstantPendingMessageLimitStrategy();
            strategy.setLimit(limit);
            topics.setPendingMessageLimitStrategy(strategy);
        }
        PolicyMap map = new PolicyMap();
        map.setPolicyEntries(List.of(topics));
        return map;
    }

    private static String destinations(BrokerService broker) throws Exception {
        TreeSet<String> lines = new TreeSet<>();
        for (Map.Entry<ActiveMQDestination, Destination> one
             : broker.getBroker().getDestinationMap().entrySet()) {
            var statistics = one.getValue().getDestinationStatistics();
            lines.add(one.getKey().getDestinationTypeAsString().toLowerCase() + " "
                    + one.getKey().getPhysicalName() + " " + statistics.getMessages().getCount()
                    + " " + statistics.getConsumers().getCount());
        }
        return String.join("\n", lines) + "\n";
    }

    public static void main(String[] words) throws Exception {
        for (String word : words) {
            int at = word.indexOf('=');
            arguments.computeIfAbsent(word.substring(0, at), key -> new ArrayList<>())
                    .add(word.substring(at + 1));
        }
        BrokerService broker = new BrokerService();
        broker.setBrokerName(one("name", "broker"));
        broker.setDataDirectory(one("data", "data"));
        broker.setUseJmx(false);
        broker.setUseShutdownHook(false);
        broker.setPlugins(security());
        broker.setDestinationPolicy(policies());
        broker.addConnector("stomp://127.0.0.1:" + one("stomp", "61613"));
        if (!all("ws").isEmpty())
            broker.addConnector("ws://127.0.0.1:" + one("ws", ""));
        broker.start();
        broker.waitUntilStarted();
        HttpServer http = HttpServer.create(
                new InetSocketAddress("127.0.0.1", Integer.parseInt(one("http", "8161"))), 0);
        http.createContext("/destinations", exchange -> {
            byte[] text;
            try {
                text = destinations(broker).getBytes(StandardCharsets.UTF_8);
            } catch (Exception error) {
                text = error.toString().getBytes(StandardCharsets.UTF_8);
            }
            exchange.sendResponseHeaders(200, text.length);
            exchange.getResponseBody().write(text);
            exchange.close();
        });
        http.start();
        broker.waitUntilStopped();
    }
}
