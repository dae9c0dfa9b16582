package teal.app;

import jakarta.servlet.http.HttpSession;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.messaging.handler.annotation.MessageMapping;
import org.springframework.messaging.simp.SimpMessageHeaderAccessor;
import org.springframework.messaging.simp.annotation.SendToUser;
import org.springframework.security.web.csrf.CsrfToken;
import org.springframework.stereotype.Controller;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.ResponseBody;

/** Attributes of a session: of the HTTP session (copied at the handshake), and of the WebSocket session. */
@Controller
public class Rooms {
    private final String version;

    Rooms(@Value("${app.version:v1}") String version) {
        this.version = version;
    }

    @GetMapping("/form/room")
    @ResponseBody
    String enter(@RequestParam String name, HttpSession session) {
        session.setAttribute("room", name);
        return name;
    }

    /** What a page puts into CONNECT, where the application wants that. */
    @GetMapping("/form/token")
    @ResponseBody
    String token(CsrfToken token) {
        return token.getHeaderName() + " " + token.getToken();
    }

    @MessageMapping("/room")
    @SendToUser(destinations = "/queue/answers", broadcast = false)
    String room(SimpMessageHeaderAccessor headers) {
        return version + " room " + headers.getSessionAttributes().get("room");
    }

    /** How often this session has asked: begins anew with each WebSocket session. */
    @MessageMapping("/count")
    @SendToUser(destinations = "/queue/answers", broadcast = false)
    String count(SimpMessageHeaderAccessor headers) {
        var count = headers.getSessionAttributes().merge("count", 1, (had, one) -> (Integer) had + (Integer) one);
        return version + " count " + count;
    }
}
