package teal.app;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import javax.crypto.spec.SecretKeySpec;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Profile;
import org.springframework.messaging.Message;
import org.springframework.messaging.MessageChannel;
import org.springframework.messaging.MessageDeliveryException;
import org.springframework.messaging.simp.stomp.StompCommand;
import org.springframework.messaging.simp.stomp.StompHeaderAccessor;
import org.springframework.messaging.support.ChannelInterceptor;
import org.springframework.messaging.support.MessageHeaderAccessor;
import org.springframework.security.oauth2.jwt.JwtDecoder;
import org.springframework.security.oauth2.jwt.JwtException;
import org.springframework.security.oauth2.jwt.JwtTimestampValidator;
import org.springframework.security.oauth2.jwt.NimbusJwtDecoder;
import org.springframework.security.oauth2.server.resource.authentication.JwtAuthenticationToken;

/** Signed tokens: who has one is its subject, until it expires (to the second). */
@Configuration
public class Tokens {
    @Bean
    JwtDecoder tokenDecoder(@Value("${app.secret:}") String secret) {
        var key = new SecretKeySpec((secret.isEmpty() ? "nobody knows this one, as it is never said" : secret)
                .getBytes(StandardCharsets.UTF_8), "HmacSHA256");
        var decoder = NimbusJwtDecoder.withSecretKey(key).build();
        decoder.setJwtValidator(new JwtTimestampValidator(Duration.ZERO));
        return decoder;
    }

    /** Profile `token`: CONNECT says one, as teams do whose clients are browsers. */
    @Configuration
    @Profile("token")
    static class InConnect implements ChannelInterceptor {
        private static final String BEARER = "Bearer ";
        private final JwtDecoder tokens;

        InConnect(JwtDecoder tokens) {
            this.tokens = tokens;
        }

        @Override
        public Message<?> preSend(Message<?> message, MessageChannel channel) {
            var frame = MessageHeaderAccessor.getAccessor(message, StompHeaderAccessor.class);
            if (frame != null && frame.getCommand() == StompCommand.CONNECT) {
                if (frame.getUser() != null) {
                    return message; // known from the handshake, by the gateway's word
                }
                var said = frame.getFirstNativeHeader("Authorization");
                if (said == null || !said.startsWith(BEARER)) {
                    throw new MessageDeliveryException(message, "no token");
                }
                try {
                    frame.setUser(new JwtAuthenticationToken(tokens.decode(said.substring(BEARER.length()))));
                } catch (JwtException refused) {
                    throw new MessageDeliveryException(message, refused.getMessage());
                }
            }
            return message;
        }
    }
}
