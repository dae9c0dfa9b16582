package teal.client;

import java.io.IOException;
import java.io.OutputStream;
import java.lang.reflect.Type;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.springframework.messaging.converter.StringMessageConverter;
import org.springframework.messaging.simp.stomp.StompCommand;
import org.springframework.messaging.simp.stomp.StompFrameHandler;
import org.springframework.messaging.simp.stomp.StompHeaders;
import org.springframework.messaging.simp.stomp.StompSession;
import org.springframework.messaging.simp.stomp.StompSessionHandlerAdapter;
import org.springframework.scheduling.concurrent.ThreadPoolTaskScheduler;
import org.springframework.web.socket.WebSocketHttpHeaders;
import org.springframework.web.socket.client.WebSocketClient;
import org.springframework.web.socket.client.standard.StandardWebSocketClient;
import org.springframework.web.socket.messaging.WebSocketStompClient;
import org.springframework.web.socket.sockjs.client.RestTemplateXhrTransport;
import org.springframework.web.socket.sockjs.client.SockJsClient;
import org.springframework.web.socket.sockjs.client.WebSocketTransport;

/**
 * Spring's WebSocketStompClient: subscribes, sends with receipts until stdin ends, and says what came. Over a plain
 * WebSocket, or by Spring's SockJsClient, as a fourth word says.
 */
public class Client extends StompSessionHandlerAdapter {
    private final Queue<Integer> topic = new ConcurrentLinkedQueue<>();
    private final Queue<Integer> queue = new ConcurrentLinkedQueue<>();
    private final Queue<String> errors = new ConcurrentLinkedQueue<>();
    private final AtomicInteger connects = new AtomicInteger();
    private int sent;
    private int confirmed;
    private volatile boolean leaving;

    public static void main(String[] words) {
        try {
            new Client().run(socket(words.length > 3 ? words[3] : ""), "ws://" + words[0] + ":" + words[1] + "/ws", words[2]);
        } catch (Exception trouble) {
            trouble.printStackTrace(); // the threads of Spring's would go on
            System.exit(1);
        }
    }

    private static WebSocketClient socket(String how) {
        return switch (how) {
            case "" -> new StandardWebSocketClient();
            case "sockjs-websocket" -> new SockJsClient(List.of(new WebSocketTransport(new StandardWebSocketClient())));
            case "sockjs-xhr" -> new SockJsClient(List.of(new RestTemplateXhrTransport()));
            default -> throw new IllegalArgumentException(how);
        };
    }

    private void run(WebSocketClient socket, String url, String name) throws Exception {
        var timer = new ThreadPoolTaskScheduler();
        timer.initialize();
        var client = new WebSocketStompClient(socket);
        client.setMessageConverter(new StringMessageConverter());
        client.setTaskScheduler(timer); // heart-beats, and receipts that do not come
        client.setDefaultHeartbeat(new long[] {1000, 1000});
        var login = new StompHeaders();
        login.setLogin("guest");
        login.setPasscode("guest");
        login.setHost("/");
        var session = client.connectAsync(url, new WebSocketHttpHeaders(), login, this).get(20, TimeUnit.SECONDS);
        subscribe(session, "/topic/" + name, "auto", topic);
        subscribe(session, "/queue/" + name, "client-individual", queue);
        Thread.sleep(200);
        var input = new Thread(this::readInput);
        input.setDaemon(true);
        input.start();
        while (input.isAlive()) {
            sent++;
            var headers = new StompHeaders();
            headers.setDestination((sent % 2 == 1 ? "/topic/" : "/queue/") + name);
            headers.setReceipt("r" + sent);
            StompSession.Receiptable frame;
            synchronized (session) { // a socket of Tomcat's takes one writer at a time
                frame = session.send(headers, String.valueOf(sent));
            }
            if (!answered(frame)) {
                break;
            }
            confirmed++;
            Thread.sleep(5);
        }
        for (int waited = 0; topic.size() + queue.size() < sent && waited < 1000; waited++) {
            Thread.sleep(20);
        }
        leaving = true;
        session.disconnect();
        System.out.println("{\"sent\": " + sent + ", \"confirmed\": " + confirmed + ", \"topic\": " + topic
                + ", \"queue\": " + queue + ", \"reconnects\": " + (connects.get() - 1) + ", \"errors\": " + quoted() + "}");
        System.exit(0);
    }

    /** Returns at the end of stdin. */
    private void readInput() {
        try {
            System.in.transferTo(OutputStream.nullOutputStream());
        } catch (IOException unreadable) {
            errors.add("stdin: " + unreadable);
        }
    }

    private boolean answered(StompSession.Receiptable frame) throws InterruptedException {
        var done = new CountDownLatch(1);
        frame.addReceiptTask(done::countDown);
        frame.addReceiptLostTask(() -> errors.add("a RECEIPT did not come"));
        while (!done.await(200, TimeUnit.MILLISECONDS)) {
            if (!errors.isEmpty()) {
                return false;
            }
        }
        return true;
    }

    private void subscribe(StompSession session, String destination, String ack, Queue<Integer> into) {
        var headers = new StompHeaders();
        headers.setDestination(destination);
        headers.setAck(ack);
        session.subscribe(headers, new StompFrameHandler() {
            @Override
            public Type getPayloadType(StompHeaders headers) {
                return String.class;
            }

            @Override
            public void handleFrame(StompHeaders headers, Object payload) {
                into.add(Integer.valueOf((String) payload));
                if (!ack.equals("auto")) {
                    synchronized (session) {
                        session.acknowledge(headers.getAck(), true);
                    }
                }
            }
        });
    }

    @Override
    public void afterConnected(StompSession session, StompHeaders headers) {
        connects.incrementAndGet();
    }

    @Override
    public void handleFrame(StompHeaders headers, Object payload) {
        errors.add("ERROR " + headers.getFirst("message"));
    }

    @Override
    public void handleException(StompSession session, StompCommand command, StompHeaders headers, byte[] payload,
            Throwable trouble) {
        errors.add(command + ": " + trouble);
    }

    @Override
    public void handleTransportError(StompSession session, Throwable trouble) {
        if (!leaving) {
            errors.add("transport: " + trouble);
        }
    }

    private List<String> quoted() {
        return errors.stream().map(text -> "\"" + text.replace("\\", "/").replace("\"", "'") + "\"").toList();
    }
}
