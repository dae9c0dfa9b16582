package teal.app;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.springframework.context.event.EventListener;
import org.springframework.messaging.Message;
import org.springframework.messaging.MessageChannel;
import org.springframework.messaging.simp.stomp.StompCommand;
import org.springframework.messaging.simp.stomp.StompHeaderAccessor;
import org.springframework.messaging.support.ChannelInterceptor;
import org.springframework.stereotype.Component;
import org.springframework.web.socket.messaging.SessionDisconnectEvent;

/** Who joins and who leaves, as a chat shows it. A session that a switch moves does neither. */
@Component
public class Presence implements ChannelInterceptor {
    private final AtomicLong joins = new AtomicLong();
    private final AtomicLong leaves = new AtomicLong();
    private final Map<String, String> present = new ConcurrentHashMap<>(); // by session: why it would end

    @Override
    public Message<?> preSend(Message<?> message, MessageChannel channel) {
        var frame = StompHeaderAccessor.wrap(message);
        var reason = frame.getFirstNativeHeader("teal-reason");
        if (frame.getCommand() == StompCommand.CONNECT && !"trial".equals(reason)) {
            present.put(frame.getSessionId(), "client");
            if (reason == null || reason.equals("client")) {
                joins.incrementAndGet();
            }
        } else if (frame.getCommand() == StompCommand.DISCONNECT && reason != null) {
            present.replace(frame.getSessionId(), reason);
        }
        return message;
    }

    @EventListener
    void ended(SessionDisconnectEvent event) {
        if ("client".equals(present.remove(event.getSessionId()))) { // a health probe never was
            leaves.incrementAndGet();
        }
    }

    @Override
    public String toString() {
        return "joins=" + joins + " leaves=" + leaves;
    }
}
